//! The task that measures the disks of this server.

use std::io;

use crate::app::App;
use crate::disks::{Looked, Measured, bytes_of};

/// Measures until the server stops.
pub async fn watch(app: App) {
    loop {
        measure(&app).await;
        app.disks.until_next().await;
    }
}

/// Measures all disks now. One that does not answer is left out after a while.
pub async fn measure(app: &App) {
    let disks = &app.disks;
    let mut measured = Measured::default();
    let uploads = app.uploads.clone();
    let room = disks.ask("uploads", move || {
        Ok((uploads.free_bytes()?, uploads.disk_bytes()?))
    });
    let roots = app.roots.all().iter().map(|root| async {
        let (roots, name) = (app.roots.clone(), root.name.clone());
        let free = move || match roots.find(&name) {
            Some(root) => root.free_bytes(""),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        let what = format!("root {}", root.name);
        (root.name.clone(), disks.ask(&what, free).await)
    });
    let made = async {
        let places = places(app).await?;
        let looked = disks.ask("made", move || Ok(bytes_of(places)));
        anyhow::Ok(looked.await)
    };
    let (room, free, made) = tokio::join!(room, futures_util::future::join_all(roots), made);
    measured.uploads = room;
    measured.free = free
        .into_iter()
        .filter_map(|(name, free)| Some((name, free?)))
        .collect();
    match made {
        Ok(Some((made, partly))) => (measured.made, measured.partly) = (made, partly),
        // What was there before is the best that is known.
        Ok(None) => (measured.made, measured.partly) = (disks.newest().made.clone(), true),
        Err(error) => {
            tracing::warn!("looking up what jobs made: {error:#}");
            (measured.made, measured.partly) = (disks.newest().made.clone(), true);
        }
    }
    measured.at_ms = app.clock.now_ms();
    disks.keep(measured);
}

/// The folders that jobs made.
async fn places(app: &App) -> anyhow::Result<Vec<Looked>> {
    let mut places = Vec::new();
    for made in app.lists.jobs.made().await? {
        places.push(Looked {
            cluster: made.cluster.clone(),
            path: app.data_dir.downloads().join(&made.id),
            download: true,
        });
        if let Some(root) = app.roots.find(&made.root).filter(|_| !made.path.is_empty()) {
            places.push(Looked {
                cluster: made.cluster,
                path: root.path.join(&made.path),
                download: false,
            });
        }
    }
    Ok(places)
}
