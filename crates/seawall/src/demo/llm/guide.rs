//! What people read about the fake: the words of model names, and how a client is pointed at it.

use std::fmt::Write;

/// The words after `fake` in a model's name, each with what happens.
pub const WORDS: [(&str, &str); 20] = [
    ("429, 500, 503, 529", "is answered with that status (400 to 599), in the dialect's shape"),
    ("retry-after-S", "such a refusal says to come again after S seconds"),
    ("once", "what goes wrong goes wrong only at the first attempt of each prompt"),
    ("hang", "takes the request and never answers"),
    ("slow-headers-MS", "sends nothing for MS milliseconds"),
    ("latency-MS", "the first token comes after MS milliseconds, a stream's head at once"),
    ("drip-MS", "each token comes MS milliseconds after the one before"),
    ("stall", "stops after two frames, or half an answer, and stays open"),
    ("cut", "the connection closes in the middle of the answer"),
    ("malformed", "a frame in the middle is no JSON; nor is a whole answer"),
    ("error-frame", "the dialect's error in the middle of a stream; 500 for a whole answer"),
    ("oversized", "a stream without an end; a whole answer of 40 MB"),
    ("first", "what goes wrong in a stream goes wrong before its first token"),
    ("no-usage", "says nothing about tokens"),
    ("refusal", "the model declines, as the dialect says that"),
    ("length", "the answer is cut by the token limit"),
    ("context", "the prompt is too long for the model: the dialect's error"),
    ("tokens-N", "an answer of N tokens, at most 20000"),
    ("studio", "answers what examples/studio asks, as words of the product choose"),
    ("", "works"),
];

/// The words as text for a terminal.
#[must_use]
pub fn words() -> String {
    let mut text =
        "With --llm, the model's name chooses what happens; words can be combined (fake-drip-20-tokens-100):\n"
            .to_owned();
    for (word, happens) in WORDS {
        let name = if word.is_empty() { "fake".to_owned() } else { format!("fake-{}", word.replace(", ", ", -")) };
        let _infallible = writeln!(text, "  {name:<26} {happens}");
    }
    text.push_str("Names of real models work as they are, and with a fault: gpt-5-fake-429-once.");
    text
}

/// What is said once it runs.
#[must_use]
pub fn how_to_use(url: &str) -> String {
    format!(
        "Seawall {} plays an LLM on {url}. Any key will do, except \"wrong\".
  OpenAI     OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY=any
  Anthropic  ANTHROPIC_BASE_URL={url} ANTHROPIC_API_KEY=any
  Gemini     GOOGLE_GEMINI_BASE_URL={url} GEMINI_API_KEY=any
Try:
  curl -N {url}/v1/chat/completions -H 'Authorization: Bearer any' \\
    -d '{{\"model\":\"fake-drip-100\",\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"Good morning\"}}]}}'
The model's name chooses what goes wrong: fake, fake-429-once, fake-cut, fake-hang, … (seawall demo --help). Stop with Ctrl-C.
",
        crate::VERSION
    )
}
