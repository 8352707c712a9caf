"""The gateways that are compared: how each is configured, started and asked."""

import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent

# All have the same time: 5 s for a call, 1 s between two parts of an answer where they have such a limit, and three attempts where they retry.
TOTAL_S, IDLE_S, ATTEMPTS = 5, 1, 3

REFUSED, UNKNOWN = "refused", "unknown-host"


class Gateway:
    """One gateway. `address` is the provider's; calls of the models `refused` and `unknown-host` lead to nobody."""

    def __init__(self, name, folder, port, address):
        self.name, self.folder, self.port, self.address = name, folder, port, address
        self.path, self.fields, self.process = "/v1/chat/completions", {}, None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self, command, **variables):
        log = open(self.folder / "output.log", "wb")
        environment = {**os.environ, **variables}
        self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, env=environment)

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def model(self, name):
        return name

    def fields_for(self, model):
        return self.fields

    def nowhere(self):
        return {REFUSED: "http://127.0.0.1:9", UNKNOWN: "https://no-such-host.invalid"}


class Seawall(Gateway):
    """With a provider for each model, so that the breaker, which leaves alone what fails five times, keeps no case from the next one."""

    def run(self, program, models):
        provider = f"timeout = \"{TOTAL_S}s\"\nfirst_byte_timeout = \"3s\"\nidle_timeout = \"{IDLE_S}s\"\nattempts = {ATTEMPTS}\n"
        text = "environment = \"development\"\n[outbound]\nlisten = \"127.0.0.1:%d\"\nkey = \"a key that is long enough for this\"\n" % self.port
        for name in models:
            url = self.nowhere().get(name, self.address)
            text += f"[llm.provider.{name}]\nurl = \"{url}\"\nkey = \"any\"\n{provider}"
        (self.folder / "seawall.toml").write_text(text)
        self.fields = {"Authorization": "Bearer a key that is long enough for this"}
        self.path = "/llm/v1/chat/completions"
        ports = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        self.start([program, "run", "--to", "http://127.0.0.1:9", *ports])

    def model(self, name):
        return f"{name}/{name}"


class LiteLlm(Gateway):
    def run(self, program):
        options = {"api_key": "any", "timeout": TOTAL_S, "stream_timeout": IDLE_S}
        model = lambda name, called, url: {"model_name": name, "litellm_params": {"model": called, "api_base": url, **options}}
        models = [model(name, "openai/fake", f"{url}/v1") for name, url in self.nowhere().items()]
        models.append(model("*", "openai/*", f"{self.address}/v1"))
        config = {
            "model_list": models,
            "general_settings": {"master_key": "sk-5c0f7b2e9d4a1836f0b7c2d9e8a4615372"},
            "litellm_settings": {"num_retries": ATTEMPTS - 1, "request_timeout": TOTAL_S, "telemetry": False},
        }
        (self.folder / "config.yaml").write_text(json.dumps(config))  # JSON is YAML.
        self.fields = {"Authorization": "Bearer sk-5c0f7b2e9d4a1836f0b7c2d9e8a4615372"}
        command = [program, "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(self.port)]
        self.start(command, LITELLM_LOCAL_MODEL_COST_MAP="True", NO_DOCS="True")


class Portkey(Gateway):
    def run(self, package):
        fix = HERE / "portkey-fix.mjs"
        self.start(["node", "--import", str(fix), f"{package}/build/start-server.js", f"--port={self.port}", "--headless"])

    def fields_for(self, model):
        url = self.nowhere().get(model, self.address)
        config = {"retry": {"attempts": ATTEMPTS - 1}, "request_timeout": TOTAL_S * 1000}
        return {
            "Authorization": "Bearer any",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"{url}/v1",
            "x-portkey-config": json.dumps(config),
        }


class TensorZero(Gateway):
    """Its gateway inside Python, with the HTTP port that it opens for OpenAI's library. Each model is named in its configuration."""

    def run(self, python, models):
        text = "[gateway]\nobservability.enabled = false\n"
        for model in models:
            url = self.nowhere().get(model, self.address)
            text += (
                f"[models.\"{model}\"]\nrouting = [\"p\"]\n[models.\"{model}\".timeouts]\n"
                f"non_streaming.total_ms = {TOTAL_S * 1000}\nstreaming.ttft_ms = {TOTAL_S * 1000}\n"
                f"[models.\"{model}\".providers.p]\ntype = \"openai\"\nmodel_name = \"{model}\"\napi_base = \"{url}/v1/\"\napi_key_location = \"env::PROVIDER_KEY\"\n"
            )
        (self.folder / "tensorzero.toml").write_text(text)
        script = (
            "import sys, time, openai, tensorzero\n"
            "client = openai.OpenAI(api_key='any')\n"
            "tensorzero.patch_openai_client(client, config_file='tensorzero.toml', async_setup=False)\n"
            "open('base-url', 'w').write(str(client.base_url))\n"
            "time.sleep(3600)\n"
        )
        self.start([python, "-c", script], PROVIDER_KEY="any")

    def opened(self):
        """Where it listens, once it does."""
        file = self.folder / "base-url"
        if not file.exists() or not file.read_text():
            return False
        address, path = file.read_text().removeprefix("http://").split("/", 1)
        self.port, self.path = int(address.rsplit(":", 1)[1]), f"/{path.rstrip('/')}/chat/completions"
        return True

    def model(self, name):
        return f"tensorzero::model_name::{name}"


def installed(folder):
    """The programs of the gateways that are in this folder, as `install.sh` puts them there."""
    programs = {
        "litellm": folder / "litellm/bin/litellm",
        "portkey": folder / "portkey/node_modules/@portkey-ai/gateway",
        "tensorzero": folder / "tensorzero/bin/python",
    }
    for name, program in list(programs.items()):
        if not program.exists():
            print(f"{name} is not in {folder}, so it is skipped. Run: bench/llm/install.sh {folder}", file=sys.stderr)
            del programs[name]
    return programs
