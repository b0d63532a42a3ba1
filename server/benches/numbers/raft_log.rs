//! A `raft.db` as large as it gets: commands in both ways in which libraries write them, and a few changes of the
//! servers.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use requorum_shared::bbolt::write::{Appended, Child, Item, branch_fits, leaf_fits};
use requorum_shared::bbolt::{BucketHeader, Meta, PageHeader, PageType};

const PAGE: u32 = 4096;
/// Bytes of a command.
const COMMAND: usize = 220;
/// Entries between two changes of the servers.
const CHANGE: u64 = 100_000;
/// Pages that are written at once.
const AT_ONCE: u64 = 4096;

/// Writes one of about this many bytes.
pub(crate) fn make(out: &Path, bytes: u64) {
    let file = File::create_new(out).unwrap();
    let pages = bytes / u64::from(PAGE);
    let mut appended = Appended::new(PAGE, 2);
    let mut written = 2;
    let (mut level, mut items) = (Vec::new(), Vec::new());
    let mut index = 1;
    while appended.high_water_mark() < pages {
        items.push(entry(index, appended.high_water_mark() < pages / 2));
        index += 1;
        if leaf_fits(&items, PAGE) {
            continue;
        }
        let next = items.split_off(items.len() - 1);
        level.push(leaf(&mut appended, &items));
        items = next;
        if appended.high_water_mark() - written >= AT_ONCE {
            let next = appended.high_water_mark();
            write(
                &file,
                std::mem::replace(&mut appended, Appended::new(PAGE, next)),
            );
            written = next;
        }
    }
    level.push(leaf(&mut appended, &items));
    while level.len() > 1 {
        let (mut above, mut children) = (Vec::new(), Vec::new());
        for child in level {
            children.push(child);
            if !branch_fits(&children, PAGE) {
                let next = children.split_off(children.len() - 1);
                above.push(branch(&mut appended, &children));
                children = next;
            }
        }
        above.push(branch(&mut appended, &children));
        level = above;
    }
    let logs = BucketHeader {
        root: level[0].page,
        sequence: 0,
    };
    let conf = [
        Item::pair("CurrentTerm", 9u64.to_be_bytes()),
        Item::pair("LastVoteCand", "10.0.0.1:6868"),
        Item::pair("LastVoteTerm", 9u64.to_be_bytes()),
    ];
    let buckets = [
        Item::bucket("conf", appended.bucket(&conf, 0).unwrap()),
        Item::bucket("logs", logs.encode()),
    ];
    let root = appended.leaf(&buckets).unwrap();
    let hwm = appended.high_water_mark();
    write(&file, appended);
    for slot in 0..2 {
        let header = PageHeader {
            id: slot,
            flags: PageType::Meta.flags(),
            count: 0,
            overflow: 0,
        };
        let meta = Meta {
            page_size: PAGE,
            flags: 0,
            root,
            root_sequence: 0,
            freelist: u64::MAX,
            hwm,
            txid: slot + 2,
        };
        let page = [header.encode().as_slice(), &meta.encode()].concat();
        file.write_all_at(&page, slot * u64::from(PAGE)).unwrap();
    }
}

fn leaf(appended: &mut Appended, items: &[Item]) -> Child {
    Child {
        key: items[0].key.clone(),
        page: appended.leaf(items).unwrap(),
    }
}

fn branch(appended: &mut Appended, children: &[Child]) -> Child {
    Child {
        key: children[0].key.clone(),
        page: appended.branch(children).unwrap(),
    }
}

fn write(file: &File, appended: Appended) {
    let offset = appended.offset();
    file.write_all_at(&appended.into_bytes(), offset).unwrap();
}

/// An entry: as libraries before version 1.3 write it, with bytes as text, or as newer ones do.
fn entry(index: u64, old: bool) -> Item {
    let text = |bytes: &[u8]| match bytes.len() {
        len @ ..32 => [&[0xa0 | len as u8][..], bytes].concat(),
        len => [&[0xda, 0, len as u8][..], bytes].concat(),
    };
    let bytes = |bytes: &[u8]| match old {
        true => text(bytes),
        false => [&[0xc4, bytes.len() as u8][..], bytes].concat(),
    };
    let number = |n: u64| [&[0xce][..], &(n as u32).to_be_bytes()].concat();
    let (entry_type, data) = match index % CHANGE {
        1 => (5, servers(&text)),
        _ => (0, vec![index as u8; COMMAND]),
    };
    let mut fields = vec![
        [text(b"Data"), bytes(&data)],
        [text(b"Index"), number(index)],
        [text(b"Term"), number(index / 1_000_000 + 1)],
        [text(b"Type"), vec![entry_type]],
    ];
    if !old {
        fields.insert(0, [text(b"AppendedAt"), bytes(&[1; 15])]);
        fields.insert(2, [text(b"Extensions"), vec![0xc0]]);
    }
    let mut value = vec![0x80 | fields.len() as u8];
    value.extend(fields.concat().concat());
    Item::pair(index.to_be_bytes(), value)
}

/// A configuration of three servers.
fn servers(text: &impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut data = [&[0x81][..], &text(b"Servers"), &[0x93]].concat();
    for server in [b"node1", b"node2", b"node3"] {
        data.push(0x83);
        for (name, value) in [(&b"Address"[..], &b"h:1"[..]), (b"ID", server)] {
            data.extend(text(name));
            data.extend(text(value));
        }
        data.extend(text(b"Suffrage"));
        data.push(0);
    }
    data
}
