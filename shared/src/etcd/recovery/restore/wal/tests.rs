use super::*;
use crate::etcd::recovery::restore::initial_cluster;

/// Spec 9: the WAL of the default one-member restore, 3.5 form.
const DEFAULT: &str = "\
040000000000008408041000000000002000000000000000080110bb81c7fc051a1608cdd2918bd2b881cf8e0110b298\
eaf1948386fccd010e0000000000008208051094bbc7ed0e1a040800100000007400000000000084080210c2ee92950b\
1a6a08011001180122620800100018cdd2918bd2b881cf8e0122517b226964223a313032373636353737343339333239\
37353433372c227065657255524c73223a5b22687474703a2f2f6c6f63616c686f73743a32333830225d2c226e616d65\
223a2264656661756c74227d0000000019000000000000870803109b98d6c3081a0f080110cdd2918bd2b881cf8e0118\
01000000000000001d000000000000830805108d9eaeef0d1a13080110011a0d08cdd2918bd2b881cf8e012800000000";

fn cluster(text: &str, token: &str) -> Cluster {
    Cluster::new(&initial_cluster::parse(text).members, token).unwrap()
}

fn default_wal(form: WireForm) -> Vec<u8> {
    let cluster = cluster("default=http://localhost:2380", "etcd-cluster");
    records(&cluster, &cluster.members()[0], form)
}

/// Offset, running checksum and length of each record.
fn frames(wal: &[u8]) -> Vec<(usize, u32, usize)> {
    let mut frames = Vec::new();
    let mut offset = 0;
    while offset < wal.len() {
        let field = u64::from_le_bytes(wal[offset..offset + 8].try_into().unwrap());
        let length = (field & 0x00ff_ffff_ffff_ffff) as usize;
        let padding = if field >> 63 == 1 {
            (field >> 56 & 7) as usize
        } else {
            0
        };
        let record = &wal[offset + 8..offset + 8 + length];
        // 08 type 10 crc…
        let crc = record[3..]
            .iter()
            .enumerate()
            .scan(true, |more, (i, &byte)| {
                let digit = more.then_some(u64::from(byte & 0x7f) << (7 * i));
                *more = *more && byte >= 0x80;
                digit
            })
            .fold(0, |crc, digit| crc | digit);
        frames.push((offset, u32::try_from(crc).unwrap(), length));
        offset += 8 + length + padding;
    }
    assert_eq!(offset, wal.len());
    frames
}

#[test]
fn conformance_12_the_default_restore_is_the_reference_byte_for_byte() {
    assert_eq!(hex::encode(default_wal(WireForm::V3_5)), DEFAULT);
}

#[test]
fn the_running_checksums_are_the_references() {
    let frames = frames(&default_wal(WireForm::V3_5));
    let offsets: Vec<usize> = frames.iter().map(|frame| frame.0).collect();
    let crcs: Vec<u32> = frames.iter().map(|frame| frame.1).collect();
    assert_eq!(offsets, [0, 16, 56, 80, 208, 248]);
    assert_eq!(
        crcs,
        [
            0,
            0x5f91_c0bb,
            0xedb1_dd94,
            0xb2a4_b742,
            0x8875_8c1b,
            0xddeb_8f0d
        ]
    );
}

#[test]
fn conformance_48_the_forms_of_3_4_and_3_7() {
    let v3_5 = default_wal(WireForm::V3_5);
    let v3_4 = default_wal(WireForm::V3_4);
    assert_eq!(v3_4[..248], v3_5[..248]);
    assert_eq!(frames(&v3_4).last().unwrap().2, 14);
    assert!(
        v3_4.windows(6)
            .any(|bytes| bytes == [0x1a, 0x04, 0x08, 0x01, 0x10, 0x01])
    );

    let v3_7 = frames(&default_wal(WireForm::V3_7));
    assert_eq!((v3_7[3].0, v3_7[3].2, v3_7[5].2), (80, 114, 27));
    let crcs: Vec<u32> = v3_7[3..].iter().map(|frame| frame.1).collect();
    assert_eq!(crcs, [0x71c3_395b, 0x138b_37ff, 0xad83_8d0f]);
}

#[test]
fn members_differ_in_nothing_but_their_own_id() {
    let cluster = cluster(
        "m1=http://127.0.0.1:30001,m2=http://127.0.0.1:30003,m3=http://127.0.0.1:30005",
        "tok",
    );
    let [a, b] = [0, 1].map(|n| records(&cluster, &cluster.members()[n], WireForm::V3_5));
    assert_eq!(a.len(), b.len());
    // Metadata, and with it every checksum after it.
    assert_eq!(a[..16], b[..16]);
    assert_ne!(a[16..56], b[16..56]);
    assert!((a.len() as u64) < FILE_SIZE);
}
