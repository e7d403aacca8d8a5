//! Names of users. `/etc/passwd` is read by ourselves: a static binary has no name service switch.

use std::path::Path;

use crate::error::{Error, Result};

/// The lines of `passwd(5)`.
#[derive(Clone, Debug, Default)]
pub(super) struct Users(Vec<(String, u32)>);

impl Users {
    /// Reads `/etc/passwd`; a host without one has users without names.
    pub(super) fn read() -> Self {
        std::fs::read(Path::new("/etc/passwd"))
            .map_or_else(|_| Self::default(), |bytes| Self::parse(&String::from_utf8_lossy(&bytes)))
    }

    fn parse(text: &str) -> Self {
        let user = |line: &str| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let uid = fields.nth(1)?.parse().ok()?;
            Some((name.to_owned(), uid))
        };
        Self(text.lines().filter_map(user).collect())
    }

    /// The name of a user, or the number as text.
    pub(super) fn name(&self, uid: u32) -> String {
        let found = self.0.iter().find(|(_, number)| *number == uid);
        found.map_or_else(|| uid.to_string(), |(name, _)| name.clone())
    }

    /// The number of a user given by name or number.
    pub(super) fn uid(&self, user: &str) -> Result<u32> {
        if let Ok(uid) = user.parse() {
            return Ok(uid);
        }
        let found = self.0.iter().find(|(name, _)| name == user).map(|(_, uid)| *uid);
        found.ok_or_else(|| {
            Error::not_injected(format!("`user: {user}` matches nothing: no such user here"))
                .hint("only /etc/passwd is read; for users from elsewhere give the number")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_found() {
        let users = Users::parse("root:x:0:0::/root:/bin/sh\nbroken\nredis:x:110:117::/:/bin/no\n");
        assert_eq!(users.name(110), "redis");
        assert_eq!(users.name(4242), "4242");
        assert_eq!(users.uid("redis").unwrap(), 110);
        assert_eq!(users.uid("77").unwrap(), 77);
        insta::assert_snapshot!(users.uid("redsi").unwrap_err(), @"`user: redsi` matches nothing: no such user here");
    }
}
