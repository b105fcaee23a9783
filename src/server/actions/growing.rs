//! A page that is read while the model writes it, in editors that said that they can show one (`infillPage`). The whole
//! text goes each time, not what is new: a message lost or late leaves no hole, and it is prose of a few hundred tokens.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::show;
use crate::assist::{Page, Step};
use crate::server::outbox::Outbox;
use crate::server::protocol::PageParams;

/// The shortest time between two messages about a page. A person reads no faster, and an editor draws each.
const PACE: Duration = Duration::from_millis(100);

/// The page of one task.
#[derive(Debug)]
pub(super) struct Growing {
    /// `None` where the editor shows only what is finished.
    outbox: Option<Outbox>,
    page: Mutex<Option<Begun>>,
}

#[derive(Debug)]
struct Begun {
    uri: tower_lsp::lsp_types::Url,
    title: String,
    head: String,
    text: String,
    sent: Option<Instant>,
}

impl Growing {
    /// Returns no page yet.
    pub(super) fn new(outbox: Option<Outbox>) -> Self {
        Self { outbox, page: Mutex::new(None) }
    }

    /// Hears how the task goes on.
    pub(super) fn hear(&self, step: Step<'_>) {
        let Some(outbox) = &self.outbox else { return };
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        match (step, page.as_mut()) {
            (Step::Page(title, head), _) => {
                *page = show::place(title, "md").ok().map(|(_, uri)| Begun {
                    uri,
                    title: title.into(),
                    head: head.into(),
                    text: String::new(),
                    sent: None,
                });
            }
            (Step::Piece(_, answer), Some(begun)) if !answer.trim().is_empty() => {
                begun.text = format!("{}{}", begun.head, answer.trim_start());
                if begun.sent.is_none_or(|sent| PACE <= sent.elapsed()) {
                    begun.sent = Some(Instant::now());
                    outbox.page(begun.params(false));
                }
            }
            _ => {}
        }
    }

    /// The page is whole: whoever has it shows it.
    pub(super) fn end(&self) {
        self.page.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// The task failed or was stopped: what was read so far stays, and says so.
    pub(super) fn give_up(&self, why: &str) {
        let begun = self.page.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(outbox), Some(mut begun)) = (&self.outbox, begun)
            && begun.sent.is_some()
        {
            begun.text = format!("{}\n\n… ({why})\n", begun.text.trim_end());
            let page = Page { title: begun.title, text: begun.text, extension: "md", tokens: 0 };
            show::finished(outbox, &page);
        }
    }
}

/// Gives a page up when it is dropped: a request that is taken back is not told so, its future only ends.
#[derive(Debug)]
pub(super) struct Reading(pub(super) Arc<Growing>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.give_up("stopped");
    }
}

impl Begun {
    fn params(&self, done: bool) -> PageParams {
        PageParams { uri: self.uri.clone(), title: self.title.clone(), text: self.text.clone(), done }
    }
}
