//! "Did you mean": the known name that is closest to one that nobody knows. Imports nothing.
#![forbid(unsafe_code)]

/// The known name nearest to `name`, if it is near enough to be a slip of the finger.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer than any name of ours: not a slip, and the distance is quadratic.
    const LONGEST: usize = 64;
    if name.len() > LONGEST {
        return None;
    }
    let lower = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|&(distance, candidate)| distance <= candidate.len().max(name.len()).div_ceil(3))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// The least number of insertions, removals, changes and swaps of neighbours between two words.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let width = b.len() + 1;
    let mut table = vec![0; (a.len() + 1) * width];
    for row in 0..=a.len() {
        for column in 0..width {
            table[row * width + column] = if row == 0 || column == 0 {
                row + column
            } else {
                let same = a[row - 1] == b[column - 1];
                let change = table[(row - 1) * width + column - 1] + usize::from(!same);
                let remove = table[(row - 1) * width + column] + 1;
                let insert = table[row * width + column - 1] + 1;
                let swapped = row > 1
                    && column > 1
                    && a[row - 1] == b[column - 2]
                    && a[row - 2] == b[column - 1];
                let swap = match swapped {
                    true => table[(row - 2) * width + column - 2] + 1,
                    false => usize::MAX,
                };
                change.min(remove).min(insert).min(swap)
            };
        }
    }
    table.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        assert_eq!(distance("", ""), 0);
        assert_eq!(distance("read", "read"), 0);
        assert_eq!(distance("raed", "read"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("conect", "connect"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn suggests_only_what_is_near() {
        let known = ["read", "write", "connect", "ceiling"];
        assert_eq!(nearest("reed", known), Some("read"));
        assert_eq!(nearest("Connect", known), Some("connect"));
        assert_eq!(nearest("celing", known), Some("ceiling"));
        assert_eq!(nearest("mounts", known), None);
        assert_eq!(nearest(&"read".repeat(1000), known), None);
    }
}
