use super::*;
use crate::etcd::recovery::restore::initial_cluster;

fn cluster(text: &str, token: &str) -> Cluster {
    Cluster::new(&initial_cluster::parse(text).members, token).unwrap()
}

/// The checksum field of the default restore's file, proven, and the file's length.
#[track_caller]
fn check(version: TargetVersion, length: usize, crc: u32) {
    let file = file(
        &cluster("default=http://localhost:2380", "etcd-cluster"),
        version,
    );
    assert_eq!(file[0], 0x08);
    let mut rest = &file[1..];
    let mut varint = || {
        let mut value = 0u64;
        for shift in (0..).step_by(7) {
            let byte = rest[0];
            rest = &rest[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    };
    let said = varint();
    assert_eq!(varint(), 0x12, "field 2 follows");
    let data = varint();
    assert_eq!(rest.len() as u64, data);
    assert_eq!(u64::from(crc32c::crc32c(rest)), said);
    assert_eq!((file.len(), said), (length, u64::from(crc)));
}

#[test]
fn conformance_12_the_default_restore_is_the_references_file() {
    check(TargetVersion::V3_4, 6490, 0x11e0_7c36);
    check(TargetVersion::V3_5, 6490, 0x11e0_7c36);
    check(TargetVersion::V3_6, 6490, 0xe739_cd14);
    check(TargetVersion::V3_7, 6488, 0xa791_5044);
}

#[test]
fn the_tree_of_the_default_restore_has_the_references_length() {
    let cluster = cluster("default=http://localhost:2380", "etcd-cluster");
    let json = v2store::json(&cluster, TargetVersion::V3_5);
    assert_eq!(json.len(), 6457);
}

#[test]
fn the_file_is_named_after_term_and_number_of_members() {
    let cluster = cluster("m1=http://a:1,m2=http://b:1,m3=http://c:1", "tok");
    assert_eq!(
        file_name(&cluster),
        "0000000000000001-0000000000000003.snap"
    );
}
