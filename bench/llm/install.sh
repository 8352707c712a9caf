#!/bin/sh
# Installs the gateways that `faults.py` and `cargo xtask bench llm` compare with, into the folder that is named, each in the version that was measured.
set -eu
folder=${1:?usage: install.sh FOLDER}
mkdir -p "$folder/portkey"
python3 -m venv "$folder/litellm"
"$folder/litellm/bin/pip" install --quiet 'litellm[proxy]==1.106.2'
python3 -m venv "$folder/tensorzero"
"$folder/tensorzero/bin/pip" install --quiet 'tensorzero==2026.6.0' 'openai==2.54.0'
cd "$folder/portkey"
npm install --no-fund --no-audit --silent '@portkey-ai/gateway@1.15.2'
