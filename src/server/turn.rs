//! Whose turn it is: of the requests about one document only those about the newest place in it count. The older ones
//! are answered at once, whatever becomes of the generation that they waited for.

use tokio::sync::watch;

use crate::text::TextEdit;

/// Counts the places in a document that were asked about.
#[derive(Debug)]
pub(super) struct Turns {
    newest: watch::Sender<u64>,
    /// The version, the offset and the item of the completion menu that were asked about last.
    place: Option<(i32, usize, Option<TextEdit>)>,
}

/// The turn of one request.
#[derive(Debug)]
pub(super) struct Turn {
    mine: u64,
    newest: watch::Receiver<u64>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { newest: watch::Sender::new(0), place: None }
    }
}

impl Turns {
    /// Takes the turn for a place. Ghost text and completion items of one place share it.
    pub(super) fn take(&mut self, version: i32, offset: usize, selected: Option<&TextEdit>) -> Turn {
        let place = Some((version, offset, selected.cloned()));
        if std::mem::replace(&mut self.place, place.clone()) != place {
            self.newest.send_modify(|newest| *newest += 1);
        }
        Turn { mine: *self.newest.borrow(), newest: self.newest.subscribe() }
    }
}

impl Turn {
    /// Returns whether nothing newer was asked.
    pub(super) fn is_mine(&self) -> bool {
        *self.newest.borrow() == self.mine
    }

    /// Waits until something newer is asked, or the document is closed.
    pub(super) async fn over(&mut self) {
        let mine = self.mine;
        // An error says that the document is gone, which ends the turn too.
        let _ = self.newest.wait_for(|newest| *newest != mine).await;
    }
}
