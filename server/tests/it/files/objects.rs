//! Stored files: one story for a folder and for a bucket, and a bucket that breaks in every way.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use requorum_server::files::objects::{ObjectError, Objects, Why};
use requorum_shared::canonical::sha256_hex;
use requorum_shared::number;

use crate::files::bucket::{BUCKET, Bucket, Fault, SECRET};

/// More than two parts, and no multiple of them.
const LARGE: usize = (20 << 20) + 12_345;
const ALWAYS: usize = usize::MAX;

fn bytes(length: usize, seed: u8) -> Vec<u8> {
    (0..length)
        .map(|i| (i % 251) as u8 ^ (i >> 16) as u8 ^ seed)
        .collect()
}

/// Files that are taken over, one after another.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn lay(&self, content: &[u8]) -> (String, PathBuf) {
        let path = self.0.path().join("file");
        std::fs::write(&path, content).unwrap();
        (sha256_hex(content), path)
    }

    fn folder(&self, name: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    async fn open(&self, bucket: &Bucket) -> Objects {
        let place = bucket.place("console");
        Objects::in_bucket(place, &self.folder("here"))
            .await
            .unwrap()
    }

    /// With little patience for a server that is silent.
    async fn open_in_a_hurry(&self, bucket: &Bucket) -> Objects {
        let mut place = bucket.place("console");
        place.patience.silence = Duration::from_millis(700);
        Objects::in_bucket(place, &self.folder("here"))
            .await
            .unwrap()
    }

    /// Names of what lies in a folder below `here`.
    fn here(&self, folder: &str) -> Vec<String> {
        std::fs::read_dir(self.0.path().join("here").join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

async fn read(
    objects: &Objects,
    sha256: &str,
    size: usize,
    range: std::ops::Range<u64>,
) -> Result<Vec<u8>, String> {
    let stream = objects
        .read(sha256, size as u64, range)
        .await
        .map_err(|error| error.message)?;
    let chunks: Vec<_> = stream
        .try_collect()
        .await
        .map_err(|error| error.to_string())?;
    Ok(chunks.concat())
}

async fn content(objects: &Objects, sha256: &str, size: usize) -> Result<Vec<u8>, ObjectError> {
    let content = objects.content(sha256, size as u64, &|_| {}).await?;
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut content.open().unwrap(), &mut bytes).unwrap();
    Ok(bytes)
}

/// What every store of files must do. `file_of` is where the store keeps an object.
async fn story(objects: &Objects, desk: &Desk, file_of: impl Fn(&str) -> PathBuf) {
    for length in [1, 5_000, LARGE] {
        let wanted = bytes(length, 7);
        let (sha256, file) = desk.lay(&wanted);
        assert!(!objects.has(&sha256).await.unwrap());
        assert!(read(objects, &sha256, length, 0..1).await.is_err());

        objects.adopt(&sha256, &file).await.unwrap();
        assert!(!file.exists(), "it was taken over");
        assert!(objects.has(&sha256).await.unwrap());
        let size = length as u64;
        assert!(read(objects, &sha256, length, 0..size).await.unwrap() == wanted);
        let from = size / 2;
        let half = read(objects, &sha256, length, from..size).await.unwrap();
        assert!(half == wanted[from as usize..]);
        assert!(content(objects, &sha256, length).await.unwrap() == wanted);

        // Again: what is there stays.
        let (_, file) = desk.lay(&wanted);
        objects.adopt(&sha256, &file).await.unwrap();
        assert!(!file.exists());

        // Whoever reads all of it never gets the end of something else.
        let mut other = wanted.clone();
        other[length / 2] ^= 1;
        std::fs::write(file_of(&sha256), &other).unwrap();
        let error = read(objects, &sha256, length, 0..size).await.unwrap_err();
        assert!(
            error.contains("damaged") && error.contains(&sha256_hex(&other)),
            "{error}"
        );
        // Uploaded again, as that error says, it is what it was.
        mend(objects, desk, &wanted).await;
        // So it is when the store has lost it, or a part of it.
        std::fs::write(file_of(&sha256), &wanted[..length / 2]).unwrap();
        mend(objects, desk, &wanted).await;
        std::fs::remove_file(file_of(&sha256)).unwrap();
        mend(objects, desk, &wanted).await;
        // Of another length it is refused before the first byte, and replaced when it comes again.
        std::fs::write(file_of(&sha256), vec![7; length + 1]).unwrap();
        let error = objects.read(&sha256, size, 0..1).await.err().unwrap();
        assert_eq!(error.why, Why::Damaged);
        assert!(
            error.message.contains(&format!(
                "{} instead of {}",
                number::bytes(size + 1),
                number::bytes(size)
            )),
            "{error}"
        );
        let (_, file) = desk.lay(&wanted);
        objects.adopt(&sha256, &file).await.unwrap();
        assert!(read(objects, &sha256, length, 0..size).await.unwrap() == wanted);
    }
}

/// Stores a file again, and reads it in both ways.
async fn mend(objects: &Objects, desk: &Desk, wanted: &[u8]) {
    let (sha256, file) = desk.lay(wanted);
    objects.adopt(&sha256, &file).await.unwrap();
    assert!(!file.exists());
    let length = wanted.len();
    let whole = read(objects, &sha256, length, 0..length as u64).await;
    assert!(whole.unwrap() == wanted);
    assert!(content(objects, &sha256, length).await.unwrap() == wanted);
}

#[tokio::test]
async fn the_story_in_a_folder() {
    let desk = Desk::new();
    let folder = desk.folder("objects");
    let objects = Objects::in_folder(&folder).unwrap();
    let file_of = |sha256: &str| folder.join("sha256").join(&sha256[..2]).join(sha256);
    story(&objects, &desk, file_of).await;
}

#[tokio::test]
async fn the_story_in_a_bucket() {
    let desk = Desk::new();
    let bucket = Bucket::start().await;
    let objects = desk.open(&bucket).await;
    story(&objects, &desk, |sha256| bucket.object("console", sha256)).await;
    assert_eq!(bucket.parts(), 0);
    // The probe is gone; what is left is the three files.
    assert_eq!(bucket.objects().len(), 3, "{:?}", bucket.objects());
    assert_eq!(desk.here("sending"), Vec::<String>::new());
}

#[tokio::test]
async fn what_was_fetched_and_is_damaged_since_is_fetched_again_once_it_is_uploaded_again() {
    let desk = Desk::new();
    let bucket = Bucket::start().await;
    let objects = desk.open(&bucket).await;
    let wanted = bytes(5_000, 3);
    mend(&objects, &desk, &wanted).await;
    let [fetched] = &desk.here("fetched")[..] else {
        panic!("one file was fetched");
    };
    let fetched = desk.folder("here").join("fetched").join(fetched);
    let mut other = wanted.clone();
    other[17] ^= 1;
    std::fs::write(fetched, other).unwrap();
    mend(&objects, &desk, &wanted).await;
}

#[tokio::test]
async fn a_file_that_is_there_is_not_sent_again() {
    let desk = Desk::new();
    let bucket = Bucket::start().await;
    let objects = desk.open(&bucket).await;
    bucket.asked();
    let wanted = bytes(LARGE, 1);
    let (sha256, file) = desk.lay(&wanted);
    objects.adopt(&sha256, &file).await.unwrap();
    let asked = bucket.asked();
    let puts = asked.iter().filter(|a| a.starts_with("PUT")).count();
    assert_eq!(puts, 3, "three parts: {asked:#?}");
    let (_, file) = desk.lay(&wanted);
    objects.adopt(&sha256, &file).await.unwrap();
    let asked = bucket.asked();
    assert!(asked.iter().all(|a| a.starts_with("GET")), "{asked:#?}");
}

#[tokio::test]
async fn what_may_be_better_the_next_time_is_tried_again() {
    let desk = Desk::new();
    let bucket = Bucket::start().await;
    let objects = desk.open(&bucket).await;
    for (method, within, fault) in [
        ("PUT", "partNumber=1", Fault::Answer(500, "InternalError")),
        ("PUT", "partNumber=2", Fault::Answer(503, "SlowDown")),
        ("PUT", "partNumber=3", Fault::CutRequest(1_000_000)),
        ("POST", "uploads", Fault::Answer(503, "SlowDown")),
        ("POST", "uploadId=", Fault::Answer(200, "InternalError")),
        ("GET", "sha256", Fault::Late(Duration::from_secs(1))),
    ] {
        bucket.fail(method, within, 1, fault);
    }
    let wanted = bytes(LARGE, 2);
    let (sha256, file) = desk.lay(&wanted);
    objects.adopt(&sha256, &file).await.unwrap();
    // Twice within one download the connection ends half-way: it goes on where it was.
    bucket.fail("GET", "sha256", 2, Fault::CutAnswer(3_000_000));
    let all = read(&objects, &sha256, LARGE, 0..LARGE as u64).await;
    assert!(all.unwrap() == wanted);
    assert_eq!((bucket.parts(), bucket.objects().len()), (0, 1));
}

/// The error of a put that fails, after which nothing is visible and the file is there to be tried again.
async fn put_fails(
    length: usize,
    method: &'static str,
    within: &'static str,
    fault: Fault,
) -> (ObjectError, Vec<String>) {
    let desk = Desk::new();
    let bucket = Bucket::start().await;
    let objects = match fault {
        Fault::Late(_) => desk.open_in_a_hurry(&bucket).await,
        _ => desk.open(&bucket).await,
    };
    let wanted = bytes(length, 3);
    let (sha256, file) = desk.lay(&wanted);
    bucket.asked();
    bucket.fail(method, within, ALWAYS, fault);
    let began = Instant::now();
    let error = objects.adopt(&sha256, &file).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(20));
    let asked = bucket.asked();
    assert_eq!(bucket.objects(), Vec::<PathBuf>::new(), "nothing visible");
    assert_eq!(bucket.parts(), 0, "nothing half-way");
    assert_eq!(desk.here("sending"), Vec::<String>::new());
    assert!(file.exists(), "what was uploaded is kept");
    assert!(
        error.message.contains(&format!("s3://{BUCKET}/console")),
        "{error}"
    );
    assert!(!error.message.contains(SECRET) && !error.message.contains("console-key"));

    bucket.heal();
    objects.adopt(&sha256, &file).await.unwrap();
    let size = length as u64;
    assert!(read(&objects, &sha256, length, 0..size).await.unwrap() == wanted);
    (error, asked)
}

#[tokio::test]
async fn a_put_that_fails_leaves_nothing_and_says_why() {
    let expect = |error: &ObjectError, why: Why, words: &str| {
        assert_eq!(error.why, why, "{error}");
        assert!(error.message.contains(words), "{error}");
    };
    let small = 5_000;

    let (error, asked) = put_fails(small, "PUT", "sha256", Fault::Answer(503, "SlowDown")).await;
    expect(
        &error,
        Why::Unavailable,
        "fails (503 SlowDown). Check that server",
    );
    let puts = asked.iter().filter(|a| a.starts_with("PUT")).count();
    assert_eq!(puts, 3, "one attempt and two more: {asked:#?}");

    let (error, asked) =
        put_fails(small, "PUT", "sha256", Fault::Answer(403, "AccessDenied")).await;
    expect(
        &error,
        Why::Closed,
        "does not allow it (403 AccessDenied). Let the console's credentials read, write and delete there.",
    );
    let puts = asked.iter().filter(|a| a.starts_with("PUT")).count();
    assert_eq!(puts, 1, "a refusal is not argued with: {asked:#?}");

    let (error, _) = put_fails(small, "PUT", "sha256", Fault::Late(Duration::from_secs(2))).await;
    expect(&error, Why::Unavailable, "did not answer in time");

    let (error, _) = put_fails(small, "PUT", "sha256", Fault::CutRequest(1)).await;
    expect(&error, Why::Unavailable, "the connection to");

    let (error, _) = put_fails(small, "GET", "sha256", Fault::Answer(404, "NoSuchBucket")).await;
    expect(
        &error,
        Why::Closed,
        "no such bucket (404 NoSuchBucket). Create it there",
    );

    let (error, _) = put_fails(
        small,
        "PUT",
        "sha256",
        Fault::Answer(507, "InsufficientStorage"),
    )
    .await;
    expect(&error, Why::Full, "no room left");

    // In parts: the first, one in the middle, and the request that makes an object of them.
    for within in ["partNumber=1", "partNumber=2"] {
        let (error, _) = put_fails(LARGE, "PUT", within, Fault::CutRequest(1_000_000)).await;
        expect(&error, Why::Unavailable, "the connection to");
    }
    let (error, _) = put_fails(
        LARGE,
        "PUT",
        "partNumber=3",
        Fault::Answer(500, "InternalError"),
    )
    .await;
    expect(&error, Why::Unavailable, "fails (500 InternalError)");
    let (error, asked) = put_fails(
        LARGE,
        "POST",
        "uploadId=",
        Fault::Answer(500, "InternalError"),
    )
    .await;
    expect(&error, Why::Unavailable, "fails (500 InternalError)");
    assert!(asked.last().unwrap().starts_with("DELETE"), "{asked:#?}");
}

#[tokio::test]
async fn a_file_that_changed_on_the_disk_never_becomes_an_object() {
    let desk = Desk::new();
    let bucket = Bucket::start().await;
    let objects = desk.open(&bucket).await;
    for length in [5_000, LARGE] {
        let (sha256, file) = desk.lay(&bytes(length, 4));
        std::fs::write(&file, bytes(length, 5)).unwrap();
        let error = objects.adopt(&sha256, &file).await.unwrap_err();
        assert_eq!(error.why, Why::Damaged);
        assert!(error.message.contains("The disk is at fault"), "{error}");
        assert_eq!((bucket.objects().len(), bucket.parts()), (0, 0));
    }
}

#[tokio::test]
async fn half_objects_and_wrong_bytes_are_never_used() {
    let desk = Desk::new();
    let bucket = Bucket::start().await;
    let objects = desk.open(&bucket).await;
    let wanted = bytes(LARGE, 6);
    let (sha256, file) = desk.lay(&wanted);
    objects.adopt(&sha256, &file).await.unwrap();
    for (fault, why, words) in [
        (Fault::CutAnswer(100_000), Why::Unavailable, "broke off"),
        (Fault::Flip, Why::Damaged, "its SHA-256 is"),
        (
            Fault::Answer(500, "InternalError"),
            Why::Unavailable,
            "500 InternalError",
        ),
        (
            Fault::Answer(403, "AccessDenied"),
            Why::Closed,
            "403 AccessDenied",
        ),
        (
            Fault::Answer(404, "NoSuchKey"),
            Why::Missing,
            "it is missing",
        ),
        (
            Fault::Answer(404, "NoSuchBucket"),
            Why::Closed,
            "no such bucket",
        ),
        (
            Fault::Late(Duration::from_secs(2)),
            Why::Unavailable,
            "in time",
        ),
    ] {
        let objects = match fault {
            Fault::Late(_) => desk.open_in_a_hurry(&bucket).await,
            _ => objects.clone(),
        };
        bucket.fail("GET", "sha256", ALWAYS, fault);
        let error = content(&objects, &sha256, LARGE).await.unwrap_err();
        assert_eq!(error.why, why, "{fault:?}: {error}");
        assert!(error.message.contains(words), "{fault:?}: {error}");
        assert!(error.message.contains(&sha256), "{fault:?}: {error}");
        assert!(!error.message.contains(SECRET), "{fault:?}: {error}");
        assert_eq!(desk.here("fetched"), Vec::<String>::new(), "{fault:?}");
        let error = read(&objects, &sha256, LARGE, 0..LARGE as u64).await;
        assert!(error.unwrap_err().contains(words), "{fault:?}");
        if why != Why::Missing && why != Why::Damaged && !matches!(fault, Fault::CutAnswer(_)) {
            // Nobody knows: that is not the same as no.
            assert_eq!(
                objects.has(&sha256).await.unwrap_err().why,
                why,
                "{fault:?}"
            );
        }
        bucket.heal();
    }
    assert!(content(&objects, &sha256, LARGE).await.unwrap() == wanted);
    assert_eq!(desk.here("fetched"), [sha256]);
}

#[tokio::test]
async fn what_is_fetched_stays_within_a_limit_and_is_proven_again_after_a_start() {
    let desk = Desk::new();
    let bucket = Bucket::start().await;
    let mut place = bucket.place("console");
    place.keep_fetched = 150_000;
    let here = desk.folder("here");
    let objects = Objects::in_bucket(place.clone(), &here).await.unwrap();
    let mut known = Vec::new();
    for seed in 0..3 {
        let (sha256, file) = desk.lay(&bytes(100_000, seed));
        objects.adopt(&sha256, &file).await.unwrap();
        known.push(sha256);
    }
    let held = objects.content(&known[0], 100_000, &|_| {}).await.unwrap();
    for sha256 in &known {
        content(&objects, sha256, 100_000).await.unwrap();
    }
    // What is read stays, whatever the limit.
    assert_eq!(desk.here("fetched"), [known[0].clone()]);
    drop(held);
    bucket.asked();
    content(&objects, &known[0], 100_000).await.unwrap();
    assert_eq!(bucket.asked(), Vec::<String>::new(), "fetched before");
    content(&objects, &known[1], 100_000).await.unwrap();
    assert_eq!(desk.here("fetched"), [known[1].clone()], "the oldest goes");
    drop(objects);

    // Somebody changed it while nobody ran, and a crash left half a file.
    std::fs::write(here.join("fetched").join(&known[1]), bytes(100_000, 9)).unwrap();
    std::fs::write(
        here.join("fetched").join(format!("{}.part", known[2])),
        b"half",
    )
    .unwrap();
    let objects = Objects::in_bucket(place, &here).await.unwrap();
    assert_eq!(desk.here("fetched"), [known[1].clone()]);
    let found = content(&objects, &known[1], 100_000).await.unwrap();
    assert!(found == bytes(100_000, 1));
}

#[tokio::test]
async fn many_readers_fetch_once() {
    let desk = Desk::new();
    let bucket = Bucket::start().await;
    let objects = desk.open(&bucket).await;
    let (sha256, file) = desk.lay(&bytes(1_000_000, 8));
    objects.adopt(&sha256, &file).await.unwrap();
    bucket.asked();
    let readers = (0..8).map(|_| content(&objects, &sha256, 1_000_000));
    for read in futures_util::future::join_all(readers).await {
        assert!(read.unwrap() == bytes(1_000_000, 8));
    }
    assert_eq!(bucket.asked().len(), 1);
}

#[tokio::test]
async fn what_a_crash_left_on_its_way_is_given_up_at_the_next_start() {
    let desk = Desk::new();
    let bucket = Bucket::start().await;
    let objects = desk.open(&bucket).await;
    let (sha256, file) = desk.lay(&bytes(LARGE, 3));
    bucket.fail(
        "PUT",
        "partNumber=3",
        ALWAYS,
        Fault::Late(Duration::from_secs(60)),
    );
    let sending = {
        let (objects, sha256) = (objects.clone(), sha256.clone());
        tokio::spawn(async move { objects.adopt(&sha256, &file).await })
    };
    while bucket.parts() < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // As a crash would: nobody is told.
    sending.abort();
    assert!(sending.await.unwrap_err().is_cancelled());
    assert_eq!(desk.here("sending").len(), 1);
    bucket.heal();
    let objects = desk.open(&bucket).await;
    assert_eq!((bucket.parts(), bucket.objects().len()), (0, 0));
    assert_eq!(desk.here("sending"), Vec::<String>::new());
    assert!(!objects.has(&sha256).await.unwrap());
}

async fn not_opened(bucket: &Bucket, secret: &str, here: &Path) -> String {
    let place = bucket.place_as("console", secret);
    let error = Objects::in_bucket(place, here).await.unwrap_err();
    let text = format!("{error:#}");
    assert!(
        !text.contains(secret) && !text.contains("console-key"),
        "{text}"
    );
    text
}

#[tokio::test]
async fn a_bucket_that_cannot_be_used_is_said_to_be_at_the_start() {
    let desk = Desk::new();
    let bucket = Bucket::start().await;
    let here = desk.folder("here");
    let said = not_opened(&bucket, "another-secret", &here).await;
    assert!(
        said.contains("does not accept the credentials (403 SignatureDoesNotMatch)"),
        "{said}"
    );
    for (method, fault, words) in [
        ("PUT", Fault::Answer(404, "NoSuchBucket"), "no such bucket"),
        (
            "PUT",
            Fault::Answer(403, "AccessDenied"),
            "writing console/probe/",
        ),
        (
            "GET",
            Fault::Answer(403, "AccessDenied"),
            "reading console/probe/",
        ),
        ("GET", Fault::Flip, "is not read as it was written"),
        (
            "PUT",
            Fault::Answer(301, "PermanentRedirect"),
            "Set AWS_REGION",
        ),
    ] {
        bucket.fail(method, "probe", ALWAYS, fault);
        let said = not_opened(&bucket, SECRET, &here).await;
        assert!(said.contains(words), "{fault:?}: {said}");
        bucket.heal();
    }
    // Without the right to delete it can be used; the probe stays.
    bucket.fail(
        "DELETE",
        "probe",
        ALWAYS,
        Fault::Answer(403, "AccessDenied"),
    );
    desk.open(&bucket).await;

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut nobody = bucket;
    nobody.endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let said = not_opened(&nobody, SECRET, &here).await;
    assert!(said.contains("cannot be reached"), "{said}");
}
