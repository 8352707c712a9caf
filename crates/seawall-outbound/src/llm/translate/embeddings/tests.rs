//! Embeddings of OpenAI and Gemini, both ways.

use serde_json::{Value, json};

use super::*;

fn asked(read: Told<Texts>) -> Result<(Vec<String>, Option<u64>, Form), String> {
    read.map(|texts| (texts.texts, texts.dimensions, texts.form)).map_err(|Unsaid(what)| what)
}

fn of_openai(body: &Value) -> Result<(Vec<String>, Option<u64>, Form), String> {
    asked(openai::read(&body.to_string()))
}

fn of_gemini(body: &Value, batch: bool) -> Result<(Vec<String>, Option<u64>, Form), String> {
    asked(gemini::read(&body.to_string(), batch))
}

fn request(text: &str, dimensions: u64) -> Value {
    json!({"model": "models/m", "content": {"role": "user", "parts": [{"text": text}]}, "output_dimensionality": dimensions, "taskType": "CLUSTERING"})
}

fn embedding(form: Form, texts: usize) -> Embedding {
    Embedding { form, texts, model: "m".to_owned(), tokens: 9 }
}

fn told(embedding: &Embedding, from: Dialect, body: &Value) -> Option<Value> {
    Some(serde_json::from_str(&embedding.told(from, &body.to_string())?.text()).unwrap())
}

#[test]
fn st_8_texts_are_read_as_each_dialect_has_them() {
    let one = || vec!["a".to_owned()];
    assert_eq!(of_openai(&json!({"model": "m", "input": "a", "user": "u"})), Ok((one(), None, Form::Numbers)));
    let several = json!({"input": ["a", "b"], "dimensions": 2, "encoding_format": "base64"});
    let both = || vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(of_openai(&several), Ok((both(), Some(2), Form::Base64)));
    assert_eq!(of_gemini(&request("a", 2), false), Ok((one(), Some(2), Form::One)));
    let batch = json!({"requests": [request("a", 2), request("b", 2)]});
    assert_eq!(of_gemini(&batch, true), Ok((both(), Some(2), Form::Batch)));
    let config = json!({"content": {"parts": [{"text": "a"}, {"text": "b"}]}, "embedContentConfig": {"outputDimensionality": 3, "title": "t"}});
    assert_eq!(of_gemini(&config, false), Ok((vec!["a\nb".to_owned()], Some(3), Form::One)));
}

#[test]
fn st_8_texts_survive_the_way_to_each_dialect() {
    let texts = Texts { texts: vec!["a".to_owned(), "é\n".to_owned()], dimensions: Some(5), form: Form::Numbers };
    assert_eq!(openai::read(&openai::write(&texts, "m").text()), Ok(texts.clone()));
    let written = gemini::write(&texts, "m").text();
    assert!(written.contains(r#"{"model":"models/m","content":"#), "{written}");
    assert_eq!(gemini::read(&written, true), Ok(Texts { form: Form::Batch, ..texts }));
}

#[test]
fn what_is_no_text_is_refused_by_its_name() {
    for (body, what) in [
        (json!({"input": [1, 2]}), "`input` is neither"),
        (json!({"input": [["secret"]]}), "`input` is neither"),
        (json!({"model": "m"}), "`input` is missing"),
        (json!({"input": "a", "encoding_format": "int8"}), "`encoding_format`"),
        (json!({"input": "a", "secret": 1, "truncate": true}), "`secret` is not carried"),
    ] {
        assert!(of_openai(&body).unwrap_err().contains(what), "{body}");
    }
    let image = json!({"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}});
    assert_eq!(of_gemini(&image, false), Err("`content.parts[0].text` is missing".to_owned()));
    let lengths = json!({"requests": [request("a", 2), request("b", 3)]});
    assert!(of_gemini(&lengths, true).unwrap_err().contains("several lengths in one `requests`"));
}

#[test]
fn st_8_vectors_keep_their_digits_and_their_order() {
    let body =
        r#"{"data":[{"index":1,"embedding":[0.250,-1e-9]},{"index":0,"embedding":[1,2]}],"usage":{"prompt_tokens":7}}"#;
    let to_gemini = embedding(Form::Batch, 2).told(Dialect::OpenAi, body).unwrap().text();
    let expected = r#"{"embeddings":[{"values":[1,2]},{"values":[0.250,-1e-9]}],"usageMetadata":{"promptTokenCount":7,"totalTokenCount":7}}"#;
    assert_eq!(to_gemini, expected);
    let of_gemini = json!({"embeddings": [{"values": [0.5, 1.0]}], "usageMetadata": {"promptTokenCount": 3}});
    let expected = json!({"object": "list", "model": "m", "usage": {"prompt_tokens": 3, "total_tokens": 3},
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 1.0]}]});
    assert_eq!(told(&embedding(Form::Numbers, 1), Dialect::Gemini, &of_gemini), Some(expected));
    let one = json!({"data": [{"index": 0, "embedding": [0.5]}]});
    let expected = json!({"embedding": {"values": [0.5]}});
    assert_eq!(told(&embedding(Form::One, 1), Dialect::OpenAi, &one), Some(expected));
}

#[test]
fn base64_holds_numbers_of_four_bytes_and_tokens_that_nobody_tells_are_estimated() {
    let of_gemini = json!({"embeddings": [{"values": [1.0, -2.5]}]});
    let answer = told(&embedding(Form::Base64, 1), Dialect::Gemini, &of_gemini).unwrap();
    // 1.0 is 3f800000 and -2.5 is c0200000, from the lowest byte on.
    assert_eq!(answer["data"][0]["embedding"], "AACAPwAAIMA=");
    assert_eq!(answer["usage"]["prompt_tokens"], 9);
}

#[test]
fn vectors_that_are_not_one_for_each_text_are_no_answer() {
    let two = embedding(Form::Numbers, 2);
    for body in [
        json!({"embeddings": [{"values": [1.0]}]}),
        json!({"embeddings": [{"values": [1.0]}, {"values": []}]}),
        json!({"embeddings": [{"values": [1.0]}, {"values": ["a"]}]}),
        json!({"embeddings": [{"values": [1.0]}, {}]}),
        json!([]),
    ] {
        assert_eq!(told(&two, Dialect::Gemini, &body), None, "{body}");
    }
}
