use super::*;
use crate::act::{ProcessId, SendSignal, SiteRef};
use crate::spec::quantity::Signal;

fn header() -> Header {
    Header {
        run: format!("test-{}", rand::random::<u64>()),
        title: "a test".to_owned(),
        boot: "boot".to_owned(),
        agent: ProcessId { pid: 2, start_time: 3 },
        deadline_ns: 5,
        at: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn act() -> Act {
    let site = SiteRef::Process(ProcessId { pid: 7, start_time: 9 });
    Act::Signal(SendSignal { site, signal: Signal::KILL, kill_after: None })
}

fn undo() -> Undo {
    Undo::FreeDisk { file: None }
}

/// Where a test's journal is; nothing of it is left, here and where the copy is.
struct Base {
    _folder: tempfile::TempDir,
    copy: Option<std::path::PathBuf>,
}

impl Drop for Base {
    fn drop(&mut self) {
        if let Some(copy) = &self.copy {
            let _ = std::fs::remove_file(copy);
            let _ = std::fs::remove_dir(copy.parent().unwrap());
        }
    }
}

fn folder(header: &Header) -> (Base, std::path::PathBuf) {
    let base = tempfile::tempdir().unwrap();
    let folder = base.path().join(&header.run);
    std::fs::create_dir(&folder).unwrap();
    (Base { _folder: base, copy: copy_path(&header.run) }, folder)
}

#[test]
fn what_is_recorded_is_read_back() {
    let header = header();
    let (_base, folder) = folder(&header);
    let mut journal = Journal::create(&folder, header.clone()).unwrap();
    let recorded = journal.record(ActId(1), act(), undo()).unwrap();
    assert_eq!(recorded.act(), &act());
    journal
        .applied(ActId(1), Observed { processes: vec![ProcessId { pid: 8, start_time: 1 }] })
        .unwrap();
    let history = read_history(&folder).unwrap();
    assert_eq!(&history, journal.history());
    assert_eq!(history.header(), &header);
    assert_eq!(history.open().len(), 1);
    journal.undone(ActId(1), Reverted::Restored).unwrap();
    journal.close().unwrap();
    let history = read_history(&folder).unwrap();
    assert!(history.is_closed() && history.open().is_empty());
}

#[test]
fn a_torn_tail_is_ignored_and_nothing_before_it_is_lost() {
    let header = header();
    let (_base, folder) = folder(&header);
    let mut journal = Journal::create(&folder, header).unwrap();
    journal.record(ActId(1), act(), undo()).unwrap();
    let bytes = std::fs::read(folder.join("journal")).unwrap();
    let (_, end) = record::payloads(&bytes);
    drop(journal);
    for cut in 0..=end {
        let (payloads, whole) = record::payloads(&bytes[..cut]);
        assert!(whole <= cut);
        assert_eq!(payloads.len(), if cut == end { 2 } else { usize::from(whole > 0) });
    }
}

#[test]
fn a_damaged_byte_ends_the_journal_there() {
    let header = header();
    let (_base, folder) = folder(&header);
    let mut journal = Journal::create(&folder, header).unwrap();
    journal.record(ActId(1), act(), undo()).unwrap();
    let mut bytes = std::fs::read(folder.join("journal")).unwrap();
    let (payloads, end) = record::payloads(&bytes);
    assert_eq!(payloads.len(), 2);
    bytes[end - 3] ^= 0x20;
    assert_eq!(record::payloads(&bytes).0.len(), 1);
}

#[test]
fn a_second_process_cannot_undo_what_is_alive() {
    let header = header();
    let (_base, folder) = folder(&header);
    let journal = Journal::create(&folder, header).unwrap();
    let error = format!("{:#}", Journal::resume(&folder).unwrap_err());
    assert!(error.ends_with("its run is still alive"), "{error}");
    drop(journal);
    assert!(Journal::resume(&folder).is_ok());
}

#[test]
fn a_journal_that_others_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let header = header();
    let (_base, folder) = folder(&header);
    drop(Journal::create(&folder, header.clone()).unwrap());
    if let Some(copy) = copy_path(&header.run) {
        let _ = std::fs::remove_file(copy);
    }
    let path = folder.join("journal");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let error = format!("{:#}", Journal::resume(&folder).unwrap_err());
    assert!(error.contains("does not belong to this user alone"), "{error}");
}

#[test]
fn an_unknown_record_stops_instead_of_being_skipped() {
    let header = header();
    let mut bytes = record::encode(1, &Record::Opened(header.clone())).unwrap();
    let payload = br#"{"teleported":{"id":4}}"#;
    let mut unknown = Vec::new();
    unknown.extend(u32::try_from(payload.len()).unwrap().to_le_bytes());
    unknown.extend(2_u32.to_le_bytes());
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&2_u32.to_le_bytes());
    hasher.update(payload);
    unknown.extend(hasher.finalize().to_le_bytes());
    unknown.extend(payload);
    bytes.extend(unknown);
    let (_base, folder) = folder(&header);
    let mut options = std::fs::File::options();
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    std::io::Write::write_all(
        &mut options.write(true).create(true).open(folder.join("journal")).unwrap(),
        &bytes,
    )
    .unwrap();
    let error = format!("{:#}", read_history(&folder).unwrap_err());
    assert!(error.contains("does not know") && error.contains("teleported"), "{error}");
}

#[test]
fn many_acts_make_new_room() {
    let header = header();
    let (_base, folder) = folder(&header);
    let mut journal = Journal::create(&folder, header).unwrap();
    for id in 1..=600 {
        journal.record(ActId(id), act(), undo()).unwrap();
    }
    assert_eq!(read_history(&folder).unwrap().open().len(), 600);
}
