//! The dossier of a job, taken by somebody.

use requorum_shared::dossier::PackError;
use requorum_shared::ledger::entry::act;
use requorum_shared::permission::Permission;

use super::super::audit;
use super::{find_for, of_job, unknown};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::dossier::{Dossier, DossierError};
use crate::error::{ApiError, Result, internal, precondition};

/// Makes it, whether the job is over or not: what is not says so everywhere.
pub async fn dossier(app: &App, actor: &Actor, id: &str) -> Result<Dossier> {
    let job = find_for(app, actor, Permission::See, id).await?;
    let draft = of_job(actor, act::JOB_DOSSIER, &job);
    let (books, id) = (app.books(), id.to_owned());
    audit::act(app, draft, async move {
        books.dossier(&id).await.map_err(not_made)
    })
    .await
}

fn not_made(error: DossierError) -> ApiError {
    match error {
        DossierError::NoJob => unknown(),
        DossierError::Pack(too_large @ PackError::TooLarge { .. }) => precondition(
            "dossier.too-large",
            format!(
                "No dossier can be made of this job: {too_large}. Export the ledger with `requorum audit export`, and \
                 keep a backup of the console's database."
            ),
        ),
        DossierError::Pack(error) => internal(error),
        DossierError::Store(error) => error.into(),
    }
}
