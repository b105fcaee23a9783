// Holds the functions above against the examples of a comment. What cannot be read as an example says nothing.
{
  const as_js = (text) => text.replace(/\bNone\b/g, 'null').replace(/\bTrue\b/g, 'true').replace(/\bFalse\b/g, 'false');
  const same = (one, other) => {
    if (typeof one === 'number' && typeof other === 'number') {
      return one === other || Math.abs(one - other) < 1e-6 * Math.max(1, Math.abs(other));
    }
    if (Array.isArray(one) && Array.isArray(other)) {
      return one.length === other.length && one.every((item, index) => same(item, other[index]));
    }
    return JSON.stringify(one) === JSON.stringify(other);
  };
  let tried = 0;
  for (const [call, result] of EXAMPLES) {
    let want;
    if (result === null) continue;
    try {
      want = eval('(' + as_js(result) + ')');
      new Function('return (' + call + ')');
      if (eval('typeof ' + call.split(/[.(]/)[0]) === 'undefined') continue;
    } catch {
      continue;
    }
    const got = eval('(' + call + ')');
    if (!same(got, want)) throw new Error(call + ' is ' + JSON.stringify(got) + ', not ' + JSON.stringify(want));
    tried += 1;
  }
  console.log(tried ? 'PASSED' : 'NONE_READ');
}
