//! Where an engine process can be met: a socket in a directory that only its user can enter, or a named pipe on Windows.
//! Its name comes from all that tells one engine from another, so that versions and models do not meet.

use std::fs::{File, OpenOptions, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use interprocess::local_socket::tokio::{Listener, Stream, prelude::*};
use interprocess::local_socket::{ListenerOptions, Name};
use interprocess::local_socket::{Stream as BlockingStream, prelude::*};

use crate::fetch::cache_dir;

/// The longest path of a socket: macOS takes 103 bytes, Linux 107.
#[cfg(unix)]
const LONGEST_PATH: usize = 103;

/// Where one engine can be met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    dir: PathBuf,
    name: String,
}

/// Held by the engine that listens at a place, for as long as it lives.
pub(super) struct Held(#[expect(dead_code, reason = "the lock ends with the file")] File);

impl Place {
    /// Returns the place of the engine with this key, in a directory of [`directory`].
    pub fn of(dir: &Path, key: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        Self { dir: dir.to_owned(), name: format!("{:016x}", hasher.finish()) }
    }

    /// Returns the places in a directory at which there is an engine, or was one.
    pub fn all(dir: &Path) -> Vec<Self> {
        let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let names = names.filter_map(|name| Some(name.strip_suffix(".lock")?.to_owned()));
        names.map(|name| Self { dir: dir.to_owned(), name }).collect()
    }

    #[cfg(unix)]
    fn name(&self) -> io::Result<Name<'static>> {
        use interprocess::local_socket::GenericFilePath;
        self.dir.join(format!("{}.sock", self.name)).to_fs_name::<GenericFilePath>()
    }

    #[cfg(windows)]
    fn name(&self) -> io::Result<Name<'static>> {
        use interprocess::local_socket::GenericNamespaced;
        // Pipes of all users stand in one list; who made one is the business of its security descriptor.
        let user = std::env::var("USERNAME").unwrap_or_default();
        format!("infill-ls-{user}-{}", self.name).to_ns_name::<GenericNamespaced>()
    }

    /// Takes the place for the life of this process; `None` where another one has it.
    pub(super) fn take(&self) -> io::Result<Option<Held>> {
        let path = self.dir.join(format!("{}.lock", self.name));
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Held(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Listens at the place, which must be taken: what lies there is of an engine that is gone.
    pub(super) fn listen(&self, _held: &Held) -> io::Result<Listener> {
        let options = ListenerOptions::new().name(self.name()?).try_overwrite(true);
        private(options)?.create_tokio()
    }

    pub(super) async fn connect(&self) -> io::Result<Stream> {
        let stream = Stream::connect(self.name()?).await?;
        is_ours(&stream).map(|()| stream)
    }

    pub(super) fn connect_blocking(&self) -> io::Result<BlockingStream> {
        let stream = BlockingStream::connect(self.name()?)?;
        is_ours(&stream).map(|()| stream)
    }
}

#[cfg(unix)]
fn private(options: ListenerOptions<'_>) -> io::Result<ListenerOptions<'_>> {
    use interprocess::os::unix::local_socket::ListenerOptionsExt;
    // Where a socket's mode cannot be chosen, its directory keeps others out.
    Ok(if cfg!(target_os = "linux") { options.mode(0o600) } else { options })
}

#[cfg(windows)]
fn private(options: ListenerOptions<'_>) -> io::Result<ListenerOptions<'_>> {
    use interprocess::os::windows::local_socket::ListenerOptionsExt;
    use interprocess::os::windows::security_descriptor::SecurityDescriptor;
    // All rights to the owner, who is this user, and nobody else.
    let text: Vec<u16> = "D:P(A;;GA;;;OW)\0".encode_utf16().collect();
    let text = widestring::U16CStr::from_slice(&text).map_err(io::Error::other)?;
    Ok(options.security_descriptor(SecurityDescriptor::deserialize(text)?))
}

/// Checks that the other end of a connection is of the same user.
#[cfg(unix)]
pub(super) fn is_ours(stream: &impl interprocess::local_socket::traits::StreamCommon) -> io::Result<()> {
    let ours = rustix::process::geteuid().as_raw();
    match stream.peer_creds()?.euid() {
        Some(theirs) if theirs != ours => {
            let message = format!("the other end is of user {theirs}");
            Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
        }
        _ => Ok(()),
    }
}

#[cfg(windows)]
pub(super) fn is_ours(_: &impl interprocess::local_socket::traits::StreamCommon) -> io::Result<()> {
    // The pipe's security descriptor lets nobody else in.
    Ok(())
}

/// Returns the directory in which engines can be met, made if it is not there.
///
/// # Errors
/// When it cannot be made, or is not the user's alone; the message says what to do.
pub fn directory() -> Result<PathBuf, String> {
    let cache = cache_dir().map_err(|error| error.to_string())?;
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let dir = match runtime {
        Some(runtime) if runtime.is_absolute() && cfg!(unix) => runtime.join("infill-ls"),
        _ => cache.join("run"),
    };
    let dir = short(dir);
    make_private(&dir).map_err(|why| format!("{}: {why}", dir.display()))?;
    Ok(dir)
}

/// Returns `dir`, or a directory of this user among the temporary ones where sockets in it had too long a path.
#[cfg(unix)]
fn short(dir: PathBuf) -> PathBuf {
    const NAME: usize = "/0123456789abcdef.sock".len();
    match dir.as_os_str().len() + NAME <= LONGEST_PATH {
        true => dir,
        false => PathBuf::from(format!("/tmp/infill-ls-{}", rustix::process::geteuid().as_raw())),
    }
}

#[cfg(windows)]
fn short(dir: PathBuf) -> PathBuf {
    dir
}

/// Makes a directory that only this user can enter, or checks that it is one.
#[cfg(unix)]
fn make_private(dir: &Path) -> Result<(), String> {
    use std::fs::DirBuilder;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    if let Some(parent) = dir.parent() {
        std::fs::create_dir_all(parent).map_err(|error| error.to_string())?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.to_string()),
        _ => {}
    }
    let found = std::fs::symlink_metadata(dir).map_err(|error| error.to_string())?;
    if !found.is_dir() {
        return Err("it must be a directory; move what is there out of the way".into());
    }
    let ours = rustix::process::geteuid().as_raw();
    if found.uid() != ours {
        return Err(format!("it belongs to user {}, not to you; move it out of the way", found.uid()));
    }
    match found.mode() & 0o077 {
        0 => Ok(()),
        _ => Err("others can enter it; close it with `chmod 700`".into()),
    }
}

#[cfg(windows)]
fn make_private(dir: &Path) -> Result<(), String> {
    // Below a user's own profile.
    std::fs::create_dir_all(dir).map_err(|error| error.to_string())
}
