//! "Did you mean …?"

/// "did you mean …?", or what there is to choose from.
pub(super) fn hint(written: &str, known: &[&str]) -> String {
    nearest(written, known).map_or_else(
        || format!("must be one of: {}", known.join(", ")),
        |word| format!("did you mean \"{word}\"?"),
    )
}

/// The nearest of `known` to what was written, if it is near enough to be a slip.
pub(super) fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = known.iter().map(|word| (distance(written, word), *word));
    near.filter(|(distance, word)| *distance <= (word.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let mut here = (at(&last, j) + usize::from(a != b))
                .min(at(&last, j + 1) + 1)
                .min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && from.get(i - 1) == Some(b) && to.get(j - 1) == Some(a);
            if swapped {
                here = here.min(at(&before, j - 1) + 1);
            }
            row.push(here);
        }
        before = core::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let known = ["issuer", "listen", "data_dir", "lifetime"];
        assert_eq!(nearest("isuer", &known), Some("issuer"));
        assert_eq!(nearest("lifetme", &known), Some("lifetime"));
        assert_eq!(nearest("listne", &known), Some("listen"));
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(nearest("inof", &["error", "info"]), Some("info"));
        for (from, to, steps) in [
            ("", "ab", 2),
            ("ab", "", 2),
            ("ab", "ba", 1),
            ("abc", "abc", 0),
        ] {
            assert_eq!(distance(from, to), steps, "{from} {to}");
        }
    }
}
