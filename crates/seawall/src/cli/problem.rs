//! A problem as text: what `explain` prints and the reference holds.

use seawall_core::problem::ProblemType;

/// What is known of a problem, in Markdown that also reads well in a terminal.
pub(super) fn text(kind: &ProblemType) -> String {
    let retry = if kind.retryable { "yes, the same request may succeed later" } else { "no, the request must change" };
    format!(
        "{title}\n\n- code: `{code}`\n- status: {status}\n- retry: {retry}\n- whose fault: {fault}\n- severity: {severity}\n\n{documentation}\n",
        title = kind.title,
        code = kind.code,
        status = kind.status,
        fault = kind.fault.word(),
        severity = kind.severity.word(),
        documentation = kind.documentation,
    )
}
