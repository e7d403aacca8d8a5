//! Control groups of a process, and the systemd unit they name.

/// The paths of `/proc/PID/cgroup` (cgroups(7)), each once; the root says nothing and is left out.
pub(super) fn paths(text: &str) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for path in text.lines().filter_map(|line| line.splitn(3, ':').nth(2)) {
        if path != "/" && !paths.iter().any(|known| known == path) {
            paths.push(path.to_owned());
        }
    }
    paths
}

/// The innermost service or scope that a path names. systemd puts `_` before a name that the
/// kernel's own files could clash with.
pub(super) fn unit(paths: &[String]) -> Option<String> {
    paths.iter().find_map(|path| {
        let is_unit = |name: &&str| matches!(name.rsplit_once('.'), Some((_, "service" | "scope")));
        let name = path.rsplit('/').find(is_unit)?;
        Some(name.strip_prefix('_').unwrap_or(name).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_unit_counts() {
        let unit_of = |text: &str| unit(&paths(text));
        let unified = "0::/system.slice/nginx.service";
        assert_eq!(unit_of(unified).as_deref(), Some("nginx.service"));
        let user = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/shop.service/sub";
        assert_eq!(unit_of(user).as_deref(), Some("shop.service"));
        let legacy = "4:cpu,cpuacct:/\n1:name=systemd:/user.slice/session-2.scope\n0::/";
        assert_eq!(unit_of(legacy).as_deref(), Some("session-2.scope"));
        assert_eq!(unit_of("0::/"), None);
    }

    #[test]
    fn each_path_is_named_once() {
        assert_eq!(paths("5:cpu:/job:1\n4:memory:/job:1\n3:pids:/\n0::/job"), ["/job:1", "/job"]);
    }
}
