//! Reading the ledger. It is there for everybody who may look at anything: verifying it takes all of its entries.

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use requorum_shared::api::v1::{
    self, GetLedgerResponse, LedgerEntry, ListEntriesRequest, ListEntriesResponse,
    ProveConsistencyResponse, ProveEntryResponse, TailEntriesResponse,
};
use requorum_shared::ledger::entry::Outcome;
use requorum_shared::ledger::merkle::Hash;
use requorum_shared::ledger::tiles::{MAX_TOGETHER, Tile};
use requorum_shared::permission::{Permission, Place};

use super::authorize::authorize;
use super::stay::Stay;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::error::{ApiError, Kind, Result, bad_request, internal, not_found, precondition};
use crate::ledger::store::{ActOutcome, Filter, Stored};
use crate::paging::{Cursor, Key, PageRequest};

/// Key, checkpoint, and whether it can be written.
pub async fn get(app: &App, actor: &Actor) -> Result<GetLedgerResponse> {
    authorize(app, actor, Permission::See, Place::Anywhere).await?;
    let standing = app.ledger.status();
    Ok(GetLedgerResponse {
        key: app.ledger.key().to_string(),
        checkpoint: standing.note.to_string(),
        trouble: standing
            .trouble
            .map(|trouble| trouble.to_string())
            .unwrap_or_default(),
        damaged: standing.damaged,
    })
}

/// The current checkpoint, a signed note.
pub async fn checkpoint(app: &App, actor: &Actor) -> Result<String> {
    let ledger = get(app, actor).await?;
    if ledger.checkpoint.is_empty() {
        return Err(ApiError::new(
            Kind::Unavailable,
            "ledger.unwritable",
            ledger.trouble,
        ));
    }
    Ok(ledger.checkpoint)
}

/// A tile or bundle, by its path below the ledger's prefix.
pub async fn tile(app: &App, actor: &Actor, path: &str) -> Result<Bytes> {
    authorize(app, actor, Permission::See, Place::Anywhere).await?;
    let tile =
        Tile::parse(path).map_err(|error| not_found("ledger.tile-path", format!("{error}.")))?;
    app.ledger.tile(tile).await?.ok_or_else(|| {
        not_found(
            "ledger.tile-missing",
            format!(
                "The ledger has no {path}: its checkpoint counts {} entries. If that counts it, rows of it are lost.",
                app.ledger.status().size
            ),
        )
    })
}

/// Entries from `start` on, as bundles that follow each other, for whoever reads all of them.
pub async fn together(app: &App, actor: &Actor, start: u64, count: u64) -> Result<Bytes> {
    authorize(app, actor, Permission::See, Place::Anywhere).await?;
    app.ledger.together(start, count).await?.ok_or_else(|| {
        not_found(
            "ledger.entries-missing",
            format!(
                "The ledger does not give {count} entries from {start} on: at most {MAX_TOGETHER} at once, and its \
                 checkpoint counts {}. If that counts them, rows of them are lost. Ask for the bundles one at a time.",
                app.ledger.status().size
            ),
        )
    })
}

/// A page of entries, newest first.
pub async fn list(
    app: &App,
    actor: &Actor,
    request: ListEntriesRequest,
) -> Result<ListEntriesResponse> {
    authorize(app, actor, Permission::See, Place::Anywhere).await?;
    let page = PageRequest::read("entries", request.page_size, &request.page_token)?;
    let slice = page.slice();
    // A page begins below the last entry of the one before.
    let below = slice.after.as_ref().and_then(|cursor| match cursor.key {
        Key::Number(index) => u64::try_from(index).ok(),
        Key::Text(_) => None,
    });
    let outcome = request.outcome.map(outcome).transpose()?;
    let (size, before) = (app.ledger.status().size, request.before);
    let filter = Filter {
        before: below.into_iter().chain(before).min(),
        limit: u32::try_from(slice.limit).unwrap_or(u32::MAX),
        who: request.who,
        act: request.act,
        cluster: request.cluster,
        no_cluster: false,
        plan: request.plan,
        job: request.job,
        from_ms: request.from_ms,
        until_ms: request.until_ms,
        acts_only: request.acts_only,
        outcome,
    };
    let all = Filter {
        before: filter.before,
        limit: filter.limit,
        ..Filter::default()
    };
    // The entries count themselves by their indexes. What is filtered would have to be counted one by one.
    let total = (filter == all).then(|| before.map_or(size, |before| before.min(size)));
    let rows = app.ledger.list(&filter).await?.into_iter().map(|stored| {
        let entry = entry(stored);
        let index = i64::try_from(entry.index).unwrap_or(i64::MAX);
        (Cursor::at(index, ""), entry)
    });
    let (entries, next_page_token) = page.page(rows.collect());
    Ok(ListEntriesResponse {
        entries,
        next_page_token,
        size,
        total,
    })
}

/// An entry and its way to the current checkpoint.
pub async fn prove_entry(app: &App, actor: &Actor, index: u64) -> Result<ProveEntryResponse> {
    authorize(app, actor, Permission::See, Place::Anywhere).await?;
    let proof = app.ledger.prove_entry(index).await?.ok_or_else(|| {
        not_found(
            "ledger.entry-missing",
            format!(
                "The ledger has no entry {index}: it has {}.",
                app.ledger.status().size
            ),
        )
    })?;
    Ok(ProveEntryResponse {
        entry: Some(entry(proof.entry)),
        proof: bytes(proof.path),
        checkpoint: proof.note,
    })
}

/// That the ledger goes on from its first `old` entries.
pub async fn prove_consistency(
    app: &App,
    actor: &Actor,
    old: u64,
) -> Result<ProveConsistencyResponse> {
    authorize(app, actor, Permission::See, Place::Anywhere).await?;
    let proof = app.ledger.prove_consistency(old).await?;
    let (proof, checkpoint) = proof.ok_or_else(|| shorter(app, old))?;
    Ok(ProveConsistencyResponse {
        proof: bytes(proof),
        checkpoint,
    })
}

/// All entries from `since` on, then new ones as they are written. Ends with the right to look, with the server, and
/// after a while.
pub async fn tail(
    app: &App,
    actor: &Actor,
    since: u64,
) -> Result<impl Stream<Item = Result<TailEntriesResponse>> + Send + use<>> {
    authorize(app, actor, Permission::See, Place::Anywhere).await?;
    if since > app.ledger.status().size {
        return Err(shorter(app, since));
    }
    let pieces = app.ledger.tail(since);
    let pieces = pieces.take_until(app.stopping.clone().cancelled_owned());
    let pieces = pieces.map(|piece| {
        let piece = piece.map_err(internal)?;
        Ok(TailEntriesResponse {
            entries: piece
                .entries
                .into_iter()
                .map(|(index, canonical)| LedgerEntry {
                    index,
                    canonical,
                    closing: None,
                })
                .collect(),
            checkpoint: piece.note.map(|note| note.to_string()).unwrap_or_default(),
        })
    });
    Ok(Stay::anywhere(app, actor, Permission::See).messages(pieces))
}

/// The outcome that a list is asked for.
fn outcome(asked: i32) -> Result<ActOutcome> {
    let outcome = match v1::ActOutcome::try_from(asked) {
        Ok(v1::ActOutcome::Done) => Outcome::Done,
        Ok(v1::ActOutcome::Failed) => Outcome::Failed,
        Ok(v1::ActOutcome::Refused) => Outcome::Refused,
        Ok(v1::ActOutcome::Unknown) => Outcome::Unknown,
        Ok(v1::ActOutcome::Open) => return Ok(ActOutcome::Open),
        Ok(v1::ActOutcome::Unspecified) | Err(_) => {
            return Err(bad_request(
                "ledger.outcome",
                format!(
                    "{asked} is not a known outcome of an act: done, failed, refused, unknown, open."
                ),
            ));
        }
    };
    Ok(ActOutcome::Ended(outcome))
}

/// What somebody who has seen more is told.
fn shorter(app: &App, claimed: u64) -> ApiError {
    precondition(
        "ledger.truncated",
        format!(
            "This ledger has {} entries and never had {claimed}. If you have seen that many, it was cut off, or it \
             is another console's.",
            app.ledger.status().size
        ),
    )
}

fn entry(stored: Stored) -> LedgerEntry {
    LedgerEntry {
        index: stored.index,
        canonical: stored.canonical,
        closing: stored.closing,
    }
}

fn bytes(hashes: Vec<Hash>) -> Vec<Vec<u8>> {
    hashes.into_iter().map(|hash| hash.0.to_vec()).collect()
}
