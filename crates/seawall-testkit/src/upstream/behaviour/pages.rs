//! Pages for browsers: a small one, and one with a hundred assets that shows how many were loaded.

use std::fmt::Write;

use super::plain;
use crate::upstream::exchange::{Exchange, Outcome};

const ASSETS: usize = 100;

const SMALL: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Small page</title></head>
<body><h1>Small page</h1><p>Served by the test upstream.</p></body></html>
"#;

/// Load events do not bubble, so the document listens while they are captured.
const COUNTER: &str = r#"<script>
let loaded = 0, failed = 0;
const show = () => { document.title = `loaded ${loaded} failed ${failed}`; };
document.addEventListener("load", () => { loaded += 1; show(); }, true);
document.addEventListener("error", () => { failed += 1; show(); }, true);
show();
</script>
"#;

/// A small page without scripts.
pub(super) async fn html(exchange: &mut Exchange<'_>) -> Outcome {
    answer(exchange, "text/html; charset=utf-8", SMALL).await
}

/// A page with scripts, style sheets and images; its title becomes `loaded 100 failed 0`.
pub(super) async fn page(exchange: &mut Exchange<'_>) -> Outcome {
    let mut page =
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>loading</title>\n".to_owned();
    page.push_str(COUNTER);
    let mut body = String::new();
    for number in 0..ASSETS {
        let written = match number % 3 {
            0 => writeln!(page, r#"<script src="/asset/{number}.js" defer></script>"#),
            1 => writeln!(page, r#"<link rel="stylesheet" href="/asset/{number}.css">"#),
            _ => writeln!(body, r#"<img src="/asset/{number}.svg" alt="" width="8" height="8">"#),
        };
        written.expect("a string takes everything");
    }
    write!(page, "</head>\n<body><h1>One hundred assets</h1>\n{body}</body></html>\n")
        .expect("a string takes everything");
    answer(exchange, "text/html; charset=utf-8", &page).await
}

/// One asset by its file name, `NUMBER.js`, `NUMBER.css` or `NUMBER.svg`.
pub(super) async fn asset(exchange: &mut Exchange<'_>, file: &str) -> Outcome {
    let Some((number, extension)) =
        file.split_once('.').and_then(|(number, extension)| Some((number.parse::<usize>().ok()?, extension)))
    else {
        return plain::fine(exchange).await;
    };
    match extension {
        "js" => {
            answer(exchange, "text/javascript; charset=utf-8", &format!("globalThis.asset{number} = true;\n")).await
        }
        "css" => answer(exchange, "text/css; charset=utf-8", &format!(".asset-{number} {{ color: #123456; }}\n")).await,
        "svg" => {
            let image = r##"<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8" fill="#123456"/></svg>"##;
            answer(exchange, "image/svg+xml", image).await
        }
        _ => plain::fine(exchange).await,
    }
}

async fn answer(exchange: &mut Exchange<'_>, content_type: &str, body: &str) -> Outcome {
    exchange.answer(200, &[("Content-Type", content_type)], body.as_bytes()).await
}
