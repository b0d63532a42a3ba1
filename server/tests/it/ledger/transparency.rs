//! The ledger as a client of transparency logs reads it that knows nothing of us: another implementation of notes,
//! checkpoints and tiles, over HTTP.

use futures_util::future::join_all;
use requorum_shared::ledger::entry::{Draft, Outcome, act};
use signed_note::{Note, StandardVerifier, Verifier, VerifierList};
use tlog_tiles::{
    Checkpoint, Error, HashReader as _, Tile, TileHashReader, TileReader, check_record, check_tree,
    prove_record, prove_tree, record_hash, stored_hash_index,
};

use crate::support::harness::{Client, TestServer};

/// Reads tiles from the server.
struct Tiles<'a>(&'a Client);

impl TileReader for Tiles<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        // Their paths name the height, as Go's checksum database does; C2SP leaves it out, for it is always 8.
        let paths = tiles
            .iter()
            .map(|tile| tile.path().replacen("tile/8/", "tile/", 1));
        let read = join_all(paths.map(|path| bytes(self.0, path)));
        let read = || tokio::runtime::Handle::current().block_on(read);
        Ok(tokio::task::block_in_place(read))
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

async fn bytes(client: &Client, path: String) -> Vec<u8> {
    let response = client.get(&format!("/ledger/{path}")).await;
    assert_eq!(response.status(), 200, "{path}");
    response.bytes().await.unwrap().to_vec()
}

/// The checkpoint, once its signature is verified with the key that the server shows.
async fn checkpoint(client: &Client) -> Checkpoint {
    let key = String::from_utf8(bytes(client, "key".into()).await).unwrap();
    let verifier = StandardVerifier::new(key.trim_end()).unwrap();
    let origin = verifier.name().to_owned();
    let note = Note::from_bytes(&bytes(client, "checkpoint".into()).await).unwrap();
    let known = VerifierList::new(vec![Box::new(verifier)]);
    let (verified, unverified) = note.verify(&known).unwrap();
    assert_eq!((verified.len(), unverified.len()), (1, 0));
    let checkpoint = Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!(checkpoint.origin(), origin);
    checkpoint
}

/// Writes so many entries.
async fn write(server: &TestServer, entries: usize) {
    let notes = (0..entries).map(|number| {
        let draft = Draft {
            who: "ada".to_owned(),
            act: act::REQUEST.to_owned(),
            subject: format!("number {number}"),
            ..Draft::default()
        };
        server.app().ledger.note(draft, Outcome::Refused, "")
    });
    for written in join_all(notes).await {
        written.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_implementation_verifies_inclusion_and_consistency() {
    let server = TestServer::start().await;
    let client = server.admin().await;
    write(&server, 300).await;
    let before = checkpoint(&client).await;
    write(&server, 400).await;
    let now = checkpoint(&client).await;
    assert_eq!((before.size(), now.size()), (303, 703));

    let tiles = Tiles(&client);
    let reader = TileHashReader::new(now.size(), *now.hash(), &tiles);
    let proof = prove_tree(now.size(), before.size(), &reader).unwrap();
    check_tree(
        &proof,
        now.size(),
        *now.hash(),
        before.size(),
        *before.hash(),
    )
    .unwrap();

    for index in [0, 1, 255, 256, 302, 511, 512, 702] {
        let entry = entry(&client, index, now.size()).await;
        let leaf = record_hash(&entry);
        let there = reader.read_hashes(&[stored_hash_index(0, index)]).unwrap();
        assert_eq!(there[0].0, leaf.0, "entry {index}");
        let proof = prove_record(now.size(), index, &reader).unwrap();
        check_record(&proof, now.size(), *now.hash(), index, leaf).unwrap();
        // Another text is not in the tree.
        let other = record_hash(&[&entry[..], b" "].concat());
        check_record(&proof, now.size(), *now.hash(), index, other).unwrap_err();
    }
}

/// An entry out of its bundle, as C2SP lays bundles out: each entry behind its length in two bytes.
async fn entry(client: &Client, index: u64, size: u64) -> Vec<u8> {
    let (bundle, width) = (index / 256, (size - index / 256 * 256).min(256));
    let partial = if width < 256 {
        format!(".p/{width}")
    } else {
        String::new()
    };
    let mut rest = &bytes(client, format!("tile/entries/{bundle:03}{partial}")).await[..];
    let mut entry = &rest[..0];
    for _ in 0..=index % 256 {
        let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
        entry = &rest[2..2 + length];
        rest = &rest[2 + length..];
    }
    entry.to_vec()
}
