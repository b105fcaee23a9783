//! What a file defines, and how it is shown to somebody who uses it.

use expect_test::{Expect, expect};
use infill_ls::syntax::{brief, definitions, head};
use infill_ls::text::Language;

fn check(language: &str, text: &str, expected: &Expect) {
    let found = definitions(Language::from_id(language), text);
    let shown = found
        .iter()
        .map(|found| format!("{} ({:?}, line {}):\n{}\n", found.name, found.kind, found.line, found.outline));
    expected.assert_eq(&shown.collect::<String>());
}

#[test]
fn python() {
    check(
        "python",
        r#"
LIMIT = 10

@dataclass
class Token(Base):
    """A token."""

    # How long it is good.
    expires_in: int = 3600

    def __init__(self, session):
        self.session = session

    def refresh(self, force: bool = False) -> "Token":
        """Gets a new one."""
        if force:
            return self
        return Token(self.session)

    def _hidden(self):
        pass

async def fetch(url: str) -> Token:
    return await get(url)
"#,
        &expect![[r#"
            LIMIT (Value, line 1):
            LIMIT = 10
            Token (Type, line 3):
            @dataclass
            class Token(Base):
                expires_in: int = 3600
                def __init__(self, session):
                    self.session = session
                def refresh(self, force: bool = False) -> "Token": ...
            fetch (Function, line 22):
            async def fetch(url: str) -> Token: ...
        "#]],
    );
}

#[test]
fn rust() {
    check(
        "rust",
        r#"
/// A request.
#[derive(Debug)]
pub struct Request {
    /// Whose it is.
    pub branch: u64,
}

pub enum Status { Loading { done: u64 }, Ready }

impl Request {
    pub fn new(branch: u64) -> Self {
        Self { branch }
    }
    fn secret(&self) {}
}

impl Clone for Request { fn clone(&self) -> Self { todo!() } }

pub trait Source {
    fn status(&self) -> Status;
    fn ready(&self) -> bool { true }
}

pub mod inner {
    pub const LIMIT: usize = 3;
}
"#,
        &expect![[r#"
            Request (Type, line 3):
            pub struct Request {
                pub branch: u64,
            }
            Status (Type, line 8):
            pub enum Status { Loading { done: u64 }, Ready }
            Request (Methods, line 10):
            impl Request {
                pub fn new(branch: u64) -> Self;
            }
            Source (Type, line 19):
            pub trait Source {
                fn status(&self) -> Status;
                fn ready(&self) -> bool;
            }
            LIMIT (Value, line 25):
            pub const LIMIT: usize = 3;
        "#]],
    );
}

#[test]
fn typescript() {
    check(
        "typescript",
        r#"
export interface Options { retries?: number }
export type Handler = (error: Error) => void
export const limit = 3
export class Manager<T> {
  private items: T[] = []
  #cache = 1
  /** Marks it. */
  public markError(error?: unknown): void {
    this.fail(error)
  }
  get size(): number { return this.items.length }
}
export const make = (name: string): Manager<string> => {
  return new Manager()
}
export default function run(options: Options) {
  return options
}
"#,
        &expect![[r#"
            Options (Type, line 1):
            export interface Options { retries?: number }
            Handler (Type, line 2):
            export type Handler = (error: Error) => void
            limit (Value, line 3):
            export const limit = 3
            Manager (Type, line 4):
            export class Manager<T> {
              public markError(error?: unknown): void;
              get size(): number;
            }
            make (Value, line 13):
            export const make = (name: string): Manager<string> => {}
            run (Function, line 16):
            export default function run(options: Options);
        "#]],
    );
}

#[test]
fn go() {
    check(
        "go",
        r#"
package tea

// Model is what a program shows.
type Model interface {
	Init() Cmd
}

type Program struct {
	model Model
}

const (
	Left = iota
	Right
)

func (p *Program) Run(ctx context.Context) error {
	return nil
}

func New(model Model) *Program {
	return &Program{model}
}
"#,
        &expect![[r#"
            Model (Type, line 4):
            type Model interface {
            	Init() Cmd
            }
            Program (Type, line 8):
            type Program struct {
            	model Model
            }
            Left (Value, line 13):
            Left = iota
            Right (Value, line 14):
            Right
            Program (Methods, line 17):
            func (p *Program) Run(ctx context.Context) error
            New (Function, line 21):
            func New(model Model) *Program
        "#]],
    );
}

#[test]
fn java_and_c() {
    check(
        "java",
        r#"
package a;
public class Money {
    private long cents;
    public static final Money ZERO = new Money(0);
    public Money(long cents) { this.cents = cents; }
    public Money plus(Money other) { return new Money(cents + other.cents); }
}
"#,
        &expect![[r#"
            Money (Type, line 2):
            public class Money {
                public static final Money ZERO = new Money(0);
                public Money(long cents);
                public Money plus(Money other);
            }
        "#]],
    );
    check(
        "c",
        r#"
#ifndef LIST_H
#define LIST_H
typedef struct list { int length; } list_t;
int list_push(list_t *list, void *item);
static int helper(int x) {
    return x;
}
#endif
"#,
        &expect![[r#"
            LIST_H (Value, line 2):
            #define LIST_H
            list_t (Type, line 3):
            typedef struct list { int length; } list_t;
            list_push (Value, line 4):
            int list_push(list_t *list, void *item);
            helper (Function, line 5):
            static int helper(int x);
        "#]],
    );
}

#[test]
fn a_long_type_gives_its_first_lines_only() {
    let fields: String = (0..500).map(|n| format!("    field_{n}: int\n")).collect();
    let found = definitions(Language::from_id("python"), &format!("class Wide:\n{fields}"));
    assert!((20..100).contains(&found[0].outline.lines().count()));
}

#[test]
fn broken_and_unknown_texts_define_what_can_be_read() {
    assert!(definitions(Language::from_id("markdown"), "# Title\n").is_empty());
    let found = definitions(Language::from_id("python"), "def f(:\n\ndef good(a): pass\n");
    assert!(found.iter().any(|found| found.name == "good"));
}

/// The brief forms of all definitions, one after the other.
fn in_brief(language: &str, text: &str) -> String {
    let language = Language::from_id(language);
    let found = definitions(language, text);
    found.iter().map(|found| format!("{}\n", brief(language, &found.outline))).collect()
}

#[test]
fn in_brief_each_member_has_a_line_and_long_signatures_lose_their_types() {
    let python = r#"
class Connection(Base):
    def __init__(
        self,
        outbound: Outbound,
        *,
        session_id: str | None = None,
        parameters: Mapping[str, tuple[int, int]] = {},
    ) -> None:
        """Opens it."""
        self.outbound = outbound
        self.session_id = session_id
    @overload
    def send(self, what: str) -> int: return 1
    def send(self, what: str, often: int = 1) -> int: return 1
    def __enter__(self): return self
"#;
    expect![[r#"
        class Connection(Base):
            def __init__(self, outbound, *, session_id, parameters) -> None:
                self.outbound = outbound
                self.session_id = session_id
            def send(self, what: str, often: int = 1) -> int: ...
    "#]]
    .assert_eq(&in_brief("python", python));
    let typescript = r"
export class Manager<
  TOutput extends object = Record<string, unknown>,
  TKey extends string | number = string | number,
> extends Base<TOutput> {
  public count = 0
  public emit(
    changes: Array<ChangeMessage<TOutput, TKey>>,
    listener: (change: ChangeMessage<TOutput, TKey>) => void,
  ): void { this.count++ }
}
";
    expect![[r"
        export class Manager<TOutput, TKey> extends Base<TOutput> {
          public count = 0
          public emit(changes, listener): void;
        }
    "]]
    .assert_eq(&in_brief("typescript", typescript));
    let rust = "pub trait Source {\n    fn status(&self) -> Status;\n    fn generate(\n        &self,\n        request: Request<'_, Vec<Prompt>>,\n        cancel: CancelToken,\n        because_of: Option<&'static str>,\n    ) -> BoxFuture<Generation>;\n}\n";
    expect![[r"
        pub trait Source {
            fn status(&self) -> Status;
            fn generate(&self, request, cancel, because_of) -> BoxFuture<Generation>;
        }
    "]]
    .assert_eq(&in_brief("rust", rust));
    let java = "class Cart {\n  public Money total(List<Item> items, Discount discount, Currency currency, Locale locale, Clock clock) { return null; }\n}\n";
    expect![[r"
        class Cart {
          public Money total(List<Item> items, Discount discount, Currency currency, Locale locale, Clock clock);
        }
    "]]
    .assert_eq(&in_brief("java", java));
    let first = definitions(Language::from_id("python"), python);
    assert_eq!(head(&first[0].outline), "class Connection(Base):");
}
