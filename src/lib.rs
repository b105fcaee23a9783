//! infill-ls: a code-completion language server with the model inside.
//!
//! This page is the architecture: the way of a keystroke, the map, and what always holds.
//!
//! # The way of a keystroke
//!
//! 1. [`server`] applies `didChange` to the document's rope before its first `.await`, so that edits keep their order.
//! 2. A completion request clones the rope (a snapshot, a few bytes) and asks the cache of recent suggestions.
//! 3. [`complete`] makes a prompt in text parts: what of other files was chosen for the document before, prefix, suffix,
//!    and the requirements that [`syntax`] finds in comments.
//! 4. [`source`] turns the parts into tokens and gives the [`engine`] a job, in the process that all windows of a user share
//!    or in this one. A newer job of the same document overtakes
//!    the older one, which is answered `null`.
//! 5. The engine thread truncates the document's KV cache to what is shared, has the [`model`] compute the rest in
//!    chunks, and decodes: first what is held to characters already typed, then freely, with drafts taken from the text
//!    where it repeats itself. Each piece goes to a watcher, `complete`'s stop condition, that can end it.
//! 6. `complete` mends or drops the text; every drop is a [`complete::Reason`].
//! 7. `server` turns the completion into the protocol's words, and every silence into a line of the request log.
//!
//! # The map
//!
//! | module | what it is about | the only user of |
//! |---|---|---|
//! | [`text`] | documents in ropes, positions and encodings, edits, languages | ropey |
//! | [`syntax`] | what the parse tree and the comments say | tree-sitter |
//! | [`workspace`] | the project's files, their definitions and imports; what may be read of it | ignore |
//! | [`secrets`] | what looks like a secret, in a file's name or in a text | regex |
//! | [`complete`] | pure: document and offset to prompt; generated text to completion; caches; reasons | |
//! | [`model`] | a model file in, tokens in, logits out; tokenizer, chat form, sampler, KV cache, kernels | candle, tokenizers, minijinja |
//! | [`engine`] | the one thread that owns the model: jobs, cancel, cache branches, prefill, decode | |
//! | [`fetch`] | the catalogue of models, download, checksums | |
//! | [`source`] | where generated text comes from: the engine here, in a process that all windows share, or a server with that behind it | reqwest, interprocess, keyring |
//! | [`assist`] | what the model is asked for, checked before it is offered: completions, functions, mending, explaining, … | |
//! | [`config`], [`stats`] | settings and their checking; the local log of requests and of what happened to suggestions | |
//! | [`server`] | the language server: the only part that knows the protocol | tower-lsp |
//! | [`cli`] | one file per subcommand | clap, indicatif |
//!
//! `text` and `model` import nothing of ours, `complete` never imports `model`, and `server` and `cli` are on top;
//! `tests/it/tidy.rs` reads the `use` lines and holds this picture against them.
//!
//! # What always holds
//!
//! - Offsets are bytes inside; the protocol's positions end in `server/convert.rs`.
//! - Every request gets exactly one answer. No lock is held over an `.await`, and nothing computes in a handler.
//! - Only the engine thread touches the model. A cancel is seen within one layer or one token, and leaves the cache
//!   valid.
//! - What a window knows and shows stays in its own process: the watcher of a text too. A shared engine hears prompts only,
//!   over a socket that no other user can open, and a window that dies takes nothing with it.
//! - On a CPU a row's result does not depend on what was computed with it: chunking, reuse of the cache and the number
//!   of threads cannot change an answer.
//! - What of other files stands before a document is frozen: a request never changes it, and where something better is
//!   chosen, after a pause, what was there serves until the file is computed behind it.
//! - A model that nobody uses leaves memory and comes back with the next request; what was computed with it stays.
//! - Idle work gives way to a request within one layer, and a request never takes rows of the file away.
//! - The user's text is never logged above `trace`, and a special token that stands written in a file stays text.
//! - Nothing opens a network socket once the model is there, unless the settings name a remote source; to that goes only
//!   text of the folders that may be sent, with its secrets masked.

pub mod assist;
pub mod cli;
pub mod complete;
pub mod config;
pub mod engine;
pub mod fetch;
pub mod model;
pub mod secrets;
pub mod server;
pub mod source;
pub mod stats;
pub mod syntax;
pub mod text;
pub mod workspace;
