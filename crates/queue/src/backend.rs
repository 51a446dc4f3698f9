//! The backend from which an apalis worker takes its tasks: each task is a claimed batch.

use std::convert::Infallible;
use std::task::{Context, Poll, ready};

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::layers::Identity;
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::RandomId;
use apalis_core::worker::context::WorkerContext;
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::claim::Claimer;
use crate::trace::Claimed;

/// Claims when the worker has room for a batch, and never before.
///
/// It never fails: whatever goes wrong while claiming is tried again, so no error of the database ends a worker.
pub(crate) struct Claims {
    claimer: Claimer,
    claiming: Option<BoxFuture<'static, Option<Claimed>>>,
    releasing: Option<BoxFuture<'static, ()>>,
}

impl Claims {
    pub(crate) fn new(claimer: Claimer) -> Self {
        Self { claimer, claiming: None, releasing: None }
    }
}

impl Backend for Claims {
    type Task = Task<Claimed>;
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        context: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Option<Result<Task<Claimed>, Infallible>>> {
        let claiming = self.claiming.get_or_insert_with(|| self.claimer.clone().next_batch().boxed());
        let batch = ready!(claiming.poll_unpin(context));
        self.claiming = None;
        if batch.is_none() {
            // A worker whose backend has ended ends only when it is told to.
            if let Err(error) = worker.stop() {
                tracing::debug!(%error, "the worker was stopping already");
            }
        }
        Poll::Ready(batch.map(|batch| Ok(TaskBuilder::new(batch).build())))
    }

    /// Lets a claim that is under way end, and gives back what it claimed.
    fn poll_close(&mut self, context: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        if let Some(claiming) = &mut self.claiming {
            self.claimer.stop.cancel();
            let batch = ready!(claiming.poll_unpin(context));
            self.claiming = None;
            self.releasing = batch.map(|batch| {
                let claimer = self.claimer.clone();
                async move {
                    if let Err(error) = claimer.release(batch.jobs).await {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "claimed jobs could not be given back; they will be rescued"
                        );
                    }
                }
                .boxed()
            });
        }
        if let Some(releasing) = &mut self.releasing {
            ready!(releasing.poll_unpin(context));
            self.releasing = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for Claims {
    type Args = Claimed;
    type Id = RandomId;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}
