//! Finding the model file: a path is taken as it is, a name of the catalogue is fetched first where it is not there.

use super::Locate;
use crate::fetch::{DEFAULT_MODEL, Progress, Routes, Store};

/// Returns how to find `model`, by default the catalogue's, fetching it by `routes` if need be.
pub fn locate(model: Option<String>, routes: Routes) -> Locate {
    Box::new(move |report| {
        let model = model.as_deref().unwrap_or(DEFAULT_MODEL);
        let store = Store::open().map_err(|error| error.to_string())?;
        store.obtain(model, &routes, &Reporting(report)).map_err(|error| error.to_string())
    })
}

struct Reporting<'a>(&'a (dyn Fn(&str, u64, u64) + Sync));

impl Progress for Reporting<'_> {
    fn report(&self, stage: &str, done: u64, total: u64) {
        (self.0)(stage, done, total);
    }

    fn note(&self, text: &str) {
        tracing::info!("{text}");
    }
}
