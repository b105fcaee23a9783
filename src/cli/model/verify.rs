//! `infill-ls model verify`: whether the models that are here are in order. Each is summed up, loaded, and asked.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use super::print;
use crate::fetch::{Model, Store};
use crate::model::{Compute, Infill, LanguageModel, LoadOptions, Output, Sequence, load, physical_cores};

/// Checks one model or all that are here; fails when one of them is not in order.
pub(super) fn verify(store: &Store, name: Option<&str>) -> anyhow::Result<ExitCode> {
    let models = match name {
        Some(name) => vec![(name.to_owned(), Model::parse(name)?)],
        None => {
            let here = store.list().into_iter().filter(|listed| listed.installed);
            here.map(|listed| (listed.entry.name.to_owned(), Model::Entry(listed.entry))).collect()
        }
    };
    anyhow::ensure!(!models.is_empty(), "no model is here; fetch one with `infill-ls model pull`");
    let mut in_order = true;
    for (name, model) in models {
        print(&name)?;
        let answered = match &model {
            Model::Local(path) => answers(path),
            Model::Entry(entry) => match store.verify(entry) {
                Ok(()) => {
                    print(&format!("  sum      right ({})", entry.sha256.unwrap_or("none is known")))?;
                    answers(&store.path(entry))
                }
                Err(error) => Err(error.into()),
            },
        };
        if let Err(error) = answered {
            in_order = false;
            print(&format!("  not in order: {error}"))?;
        }
    }
    Ok(if in_order { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Loads a model and has it write a token and fill in a gap.
fn answers(path: &Path) -> anyhow::Result<()> {
    let options = LoadOptions { context: 512, threads: physical_cores(), compute: Compute::best() };
    let started = Instant::now();
    let model = load(path, options)?;
    print(&format!("  loads    in {} ms: {}", started.elapsed().as_millis(), model.name))?;
    let tokens = model.tokenizer.encode("fn main() {\n    let x = ")?;
    let mut cache = model.decoder.new_cache(64)?;
    let logits = model.decoder.forward(&mut Sequence::new(&mut cache), &tokens, Output::Last, &|| false)?;
    let row = logits.map(|logits| logits.row(0)).transpose()?.unwrap_or_default();
    // Numbers that are none come of damaged weights in files without a sum.
    anyhow::ensure!(
        !row.is_empty() && row.iter().all(|logit| logit.is_finite()),
        "it computes no numbers; its file is damaged, fetch it again"
    );
    print("  answers  yes")?;
    let infill = Infill::of(&model.decoder, &model.tokenizer, &model.markers, &|| false)?;
    print(&format!("  prompts  {}", infill.explain()))
}
