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

/// Insertions, deletions and replacements that lead from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (b, cell) in to.chars().zip(row.iter_mut().skip(1)) {
            let here = (diagonal + usize::from(a != b))
                .min(left + 1)
                .min(*cell + 1);
            diagonal = core::mem::replace(cell, here);
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
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
    }
}
