"""Files that more than one of the tests opens."""

PYTHON_ADD = """\
def add(a, b):

print(add(2, 3))
"""

RUST_AREA = """\
/// Returns the area of a rectangle.
fn area(width: i64, height: i64) -> i64 {

}

fn main() {
    println!("{}", area(3, 4));
}
"""

PYTHON_TOTAL = """\
numbers = [1, 2, 3]
total = 0
for number in numbers:

print(total)
"""

PYTHON_COMMENT = """\
# is_even(n): returns True if the number n is even, and False if it is odd.


print(is_even(4), is_even(7))
"""

RUST_COMMENT = """\
// fn max_of(a: i32, b: i32) -> i32: returns the larger of the two numbers.


fn main() {
    println!("{} {}", max_of(3, 8), max_of(9, 2));
}
"""

PYTHON_STACK = """\
class Stack:
    def __init__(self):
        self.items = []

    def push(self, item):
        self.items.append(item)

"""
