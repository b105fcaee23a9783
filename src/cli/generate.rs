//! `infill-ls generate`: text from a prompt.

use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::assistant::{self, Assistant, order, streams, to_terminal};
use super::run_args::RunArgs;
use crate::assist::{Generate, Step, generate};
use crate::engine::{FinishReason, GenerationParams};

/// Arguments of `generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// The prompt; standard input when left out or `-`
    prompt: Option<String>,
    /// The most tokens of prompt and answer together
    #[arg(long, value_name = "N", conflicts_with = "max_new_tokens")]
    max_length: Option<NonZeroUsize>,
    /// The most tokens of the answer
    #[arg(long, value_name = "N", default_value = "512")]
    max_new_tokens: NonZeroUsize,
    /// How many answers
    #[arg(long, value_name = "N", default_value = "1")]
    num_return_sequences: NonZeroUsize,
    /// Randomness, from 0 to 2; 0 always takes the likeliest token
    #[arg(long, value_name = "T", default_value = "0")]
    temperature: f64,
    /// Draw from the K likeliest tokens only
    #[arg(long, value_name = "K")]
    top_k: Option<NonZeroUsize>,
    /// Draw from the likeliest tokens that together reach this probability only
    #[arg(long, value_name = "P")]
    top_p: Option<f64>,
    /// The seed of the draw; each further answer has the next one
    #[arg(long, value_name = "N", default_value = "0")]
    seed: u64,
    /// Go on with the prompt as it is, without the model's chat form
    #[arg(long)]
    raw: bool,
    /// Print the code only, of this language
    #[arg(long, value_name = "NAME", conflicts_with = "raw")]
    language: Option<String>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    run: RunArgs,
}

/// Generates and prints.
///
/// # Errors
/// When the arguments do not fit each other, or the model cannot.
pub fn run(args: GenerateArgs) -> anyhow::Result<ExitCode> {
    let prompt = match args.prompt.as_deref() {
        None if std::io::stdin().is_terminal() => bail!("there is no prompt; give one, or pipe it in"),
        None | Some("-") => assistant::input()?,
        Some(prompt) => prompt.to_owned(),
    };
    if prompt.trim().is_empty() {
        bail!("the prompt is empty");
    }
    if !(0.0..=2.0).contains(&args.temperature) {
        bail!("--temperature is {}; it goes from 0 to 2", args.temperature);
    }
    if args.top_p.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
        bail!("--top-p goes from 0 to 1");
    }
    let several = args.num_return_sequences.get() > 1;
    if several && args.temperature == 0.0 {
        bail!("--num-return-sequences wants --temperature above 0: all answers would be the same");
    }
    let language = args.language.as_deref().map(assistant::language).transpose()?;
    let assistant = Assistant::start(&args.run)?;
    let max_tokens = match args.max_length {
        None => args.max_new_tokens.get(),
        Some(length) => {
            let tokens = assistant.counter.count(&prompt);
            match length.get().saturating_sub(tokens) {
                0 => bail!("the prompt alone has {tokens} tokens; --max-length is {length}"),
                rest => rest,
            }
        }
    };
    let wanted = Generate {
        prompt: prompt.clone(),
        raw: args.raw,
        language,
        sequences: args.num_return_sequences.get(),
        params: GenerationParams {
            max_tokens,
            temperature: args.temperature,
            top_k: args.top_k.map(NonZeroUsize::get),
            top_p: args.top_p,
            seed: args.seed,
            ..GenerationParams::default()
        },
    };
    // Of code the closing fence must not be seen, so it is not streamed.
    let streams = streams(args.json) && language.is_none();
    let print = to_terminal(streams);
    let heard = std::sync::Arc::new(move |step: Step<'_>| {
        let mut out = std::io::stdout().lock();
        if let (true, Step::Attempt(number)) = (streams && several, step) {
            // A terminal that is gone is found out by the printing at the end.
            let _ = writeln!(out, "{}== {number}", if number > 1 { "\n" } else { "" });
        }
        drop(out);
        print(step);
    });
    if streams && args.raw && !several {
        write!(std::io::stdout().lock(), "{prompt}")?;
    }
    let order = order(max_tokens, None, heard);
    let all = assistant.wait(generate(&wanted, &*assistant.source, &order))?;
    let mut out = std::io::stdout().lock();
    if args.json {
        let sequences = all.iter().map(|one| {
            json!({ "text": one.text, "finish": finish(one.finish), "prompt_tokens": one.tokens.0, "tokens": one.tokens.1 })
        });
        let sequences: Vec<_> = sequences.collect();
        writeln!(out, "{}", json!({ "prompt": prompt, "sequences": sequences }))?;
    } else if streams {
        writeln!(out)?;
    } else {
        for (number, one) in all.iter().enumerate() {
            if several {
                writeln!(out, "== {}", number + 1)?;
            }
            let begun = if args.raw { prompt.as_str() } else { "" };
            writeln!(out, "{begun}{}", one.text)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn finish(finish: FinishReason) -> &'static str {
    match finish {
        FinishReason::Stop | FinishReason::EndOfText => "stop",
        FinishReason::Length => "length",
        FinishReason::Time => "time",
    }
}
