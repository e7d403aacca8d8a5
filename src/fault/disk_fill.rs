//! `disk-fill`: free space taken, in an unnamed file where the file system has such.

use super::{LowerError, Terms};
use crate::act::{Act, FillDisk, SiteRef};
use crate::spec::DiskFill;

pub(super) const NAME: &str = "disk-fill";

pub(super) fn lower(
    fill: &DiskFill,
    site: &SiteRef,
    terms: &Terms,
) -> Result<Vec<Act>, LowerError> {
    let amount = fill.amount().ok_or(LowerError::NoAmount)?;
    Ok(vec![Act::FillDisk(FillDisk {
        site: site.clone(),
        path: fill.path.clone(),
        amount,
        allow: terms.allow.clone(),
    })])
}

pub(super) fn undo_in_words(_: &FillDisk) -> String {
    "unnamed file closed, space free again; the kernel does so when the agent ends".to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn two_amounts_are_none() {
        let fill = json!({"path": "/data", "size": "1MiB", "percent": "5%"});
        let fill: DiskFill = serde_json::from_value(fill).unwrap();
        let error = lower(&fill, &SiteRef::Host, &Terms::default()).unwrap_err();
        insta::assert_snapshot!(error, @"`disk-fill` takes exactly one of `size`, `percent`, `leave-free`");
    }
}
