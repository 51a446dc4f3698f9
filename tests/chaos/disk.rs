//! A disk without space.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use certferry_testkit::postgres::{Durability, Server, Settings};
use rustix::mount::{MountFlags, mount};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

use super::account::Outcome;
use super::outages::Recoveries;
use super::run::Run;
use super::scene::Scene;

/// A small file system of its own, in memory. It goes with this, and with this process, however that ends.
struct Volume {
    place: TempDir,
    guard: Child,
}

/// Waits until nobody holds the other end of its standard input. Lazily: the server that has files there may still be on
/// its way out.
const GUARD: &str = r#"while read -r _; do :; done; umount -l "$0" && rmdir "$0""#;

impl Volume {
    /// Only root may make one, and not in every container; else why not.
    fn for_server(server: &Server) -> Result<Self, String> {
        let owner = fs::metadata(server.address().directory()).unwrap();
        // Others must be able to pass through to the server's own folder.
        let place = tempfile::Builder::new().prefix("certferry-volume-").tempdir_in("/var/tmp").unwrap();
        let options = format!("size=256m,mode=0700,uid={},gid={}", owner.uid(), owner.gid());
        let options = CString::new(options).unwrap();
        fs::set_permissions(place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        mount("certferry-chaos", place.path(), "tmpfs", MountFlags::empty(), options.as_c_str())
            .map_err(|error| error.to_string())?;
        // In a process group of its own, so that whoever ends ours leaves it.
        let mut guard = Command::new("/bin/sh");
        guard.arg("-c").arg(GUARD).arg(place.path()).current_dir("/").process_group(0);
        let guard = guard.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        Ok(Self { place, guard })
    }

    fn path(&self) -> &Path {
        self.place.path()
    }

    /// Uses up all the space there is; returns the file to remove for having it back.
    fn fill(&self) -> PathBuf {
        let path = self.path().join("ballast");
        let mut file = File::create(&path).unwrap();
        for size in [1 << 20, 1 << 12] {
            let chunk = vec![0; size];
            let refused = loop {
                if let Err(error) = file.write_all(&chunk) {
                    break error;
                }
            };
            assert_eq!(refused.kind(), ErrorKind::StorageFull, "{refused}");
        }
        path
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // It closes the pipe.
        if !self.guard.wait().is_ok_and(|status| status.success()) {
            eprintln!("{} could not be unmounted, do that by hand", self.path().display());
        }
    }
}

pub(super) async fn destination_full(mut run: Run) -> Outcome {
    let server = Server::start(Settings { durability: Durability::Full, ..Settings::default() }).await.unwrap();
    let volume = match Volume::for_server(&server) {
        Ok(volume) => volume,
        Err(why) => return Outcome::left_out(format!("a small volume could not be mounted here: {why}")),
    };
    let mut world = run.world_on(server.address(), server.address()).await;
    // So that the attempts of whoever is charged for this are soon used up.
    world.set("worker.backoff_base", "200ms");
    let mut administrator = PgConnection::connect(&server.url("postgres")).await.unwrap();
    for statement in [
        format!("CREATE TABLESPACE small LOCATION '{}'", volume.path().display()),
        format!("ALTER DATABASE {} SET TABLESPACE small", world.destination.name()),
    ] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut administrator).await.unwrap();
    }
    let mut scene = Scene::begin(&run, world, 3).await;
    let mut recoveries = Recoveries::default();
    let enough = run.about(0.3);
    scene.reaches(enough).await;
    recoveries.goes(&scene);
    let undone = "SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()";
    let before = scene.world.number(undone).await;
    let ballast = volume.fill();
    scene.world.until(undone, |undone| undone > before + 2).await;
    let told = "SELECT count(*) FROM certferry.waiting WHERE because LIKE '%does not work%No space left%'";
    scene.world.until(told, |told| told > 0).await;
    tokio::time::sleep(run.absence()).await;
    scene.fleet.assert_all_run();
    fs::remove_file(ballast).unwrap();
    recoveries.comes_back(&mut scene).await;
    recoveries.end_charged(&run, scene, true).await
}
