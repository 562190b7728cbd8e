//! Any requests, one after the other: `POST /path`, header fields, an empty line, the body; `%%` between two; `later 60`
//! moves the clock. Whatever is asked, the answer is not a failure, and an honest client goes on as before where nobody
//! with its credentials or an administrator's asked for anything.

use crate::house::with_house;

pub(crate) fn run(input: &[u8]) {
    with_house(async |house| {
        let mut touched = false;
        for step in steps(input).take(12) {
            let text = step
                .strip_prefix(b"later ")
                .and_then(|seconds| std::str::from_utf8(seconds).ok());
            if let Some(seconds) = text.and_then(|seconds| seconds.trim().parse::<u32>().ok()) {
                house.later(seconds.min(100_000));
                touched |= seconds > 600;
                continue;
            }
            let (head, body) = halves(step);
            touched |=
                [head, body].iter().any(|half| half.contains(&b'{')) || contains(body, b"maryo");
            house.ask(head, body).await;
        }
        if !touched {
            let form = "POST /oauth/token\ncontent-type: application/x-www-form-urlencoded";
            let answer = house
                .call(form, "grant_type=refresh_token&refresh_token={refresh}")
                .await;
            assert_eq!(
                answer.status,
                200,
                "an honest client was signed out: {}",
                answer.json()
            );
        }
    });
}

fn steps(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(input);
    std::iter::from_fn(move || {
        let whole = rest?;
        let end = whole.windows(4).position(|four| four == b"\n%%\n");
        rest = end.map(|end| &whole[end + 4..]);
        Some(end.map_or(whole, |end| &whole[..end]))
    })
}

/// Head and body: an empty line between them.
pub(crate) fn halves(step: &[u8]) -> (&[u8], &[u8]) {
    match step.windows(2).position(|two| two == b"\n\n") {
        Some(end) => (&step[..end], &step[end + 2..]),
        None => (step.strip_suffix(b"\n").unwrap_or(step), &[]),
    }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part == word)
}
