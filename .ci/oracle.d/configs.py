"""Config files of every shape, read by the platform's own CLI and by this project.

They are made of parts: each key with values that are right, odd and wrong, alone, in
pairs with each other, and in whole files. What the two read must be equal, field by
field, and they must refuse the same, but for the list below.
"""

import itertools
import json
import os
import random
import subprocess

import pipecatcloud.cli.config as cli
from pipecatcloud._utils import deploy_utils

# Each key's values, as TOML.
KEYS = {
    "image": ['"ghcr.io/acme/bot:v1"', '"acme/bot:latest"', '"acme/bot"', '"acme/Bot:v1"', '"your_username/bot:0.1"', "1", '""'],
    "build_id": ['"123e4567-e89b-12d3-a456-426614174000"', '"build_abc"', '"two words"', '""'],
    "image_credentials": ['"ghcr"', '"your_dockerhub_image_pull_secret"', '"Hub"', '""'],
    "secret_set": ['"bot-secrets"', '"Bot_Secrets"', "7", '""'],
    "region": ['"us-east"', '"Mars"', '""'],
    "agent_profile": ['"agent-2x"', '"own-profile"', '""'],
    "websocket_auth": ['"token"', '"none"', '"basic"', '""'],
    "max_session_duration": ["1800", "59", "14401", '"1h"', "60.5"],
    "architecture": ['"arm64"', '"amd64"', '"arm"'],
    "enable_krisp": ["true", "false"],
    "scaling.min_agents": ["0", "2", "-1", '"2"', "1.5"],
    "scaling.max_agents": ["1", "20", "0"],
    "scaling.min_instances": ["1"],
    "krisp_viva.audio_filter": ['"tel"', '"pro"', '"loud"', '""'],
    "resources.cpu": ['"500m"', '"2"', '"two"', "2", "0.5", '""'],
    "resources.memory": ['"4Gi"', '"4 GB"'],
    "git.repo": ['"acme/bot"', '"acme"'],
    "git.branch": ['"main"'],
    "git.subdirectory": ['"server"'],
    "build.context_dir": ['"server"'],
    "build.dockerfile": ['"docker/Dockerfile"'],
    "build.exclude.patterns": ['["*.md", "tests"]'],
    "build.platform": ['"linux/arm64"'],
    "docker.auto_build": ["true"],
    "speed": ["1"],
    "ports": ["[8080]"],
    "agent": ['{ name = "x" }'],
}
SETTINGS = ["image", "build_id", "image_credentials", "secret_set", "agent_profile", "websocket_auth", "max_session_duration", "architecture", "scaling.min_agents", "scaling.max_agents",
            "krisp_viva.audio_filter", "resources.cpu"]
NAMES = ['"my-bot"', '"My Bot"', '"a"']


def write(keys):
    """The text of a file with these keys: the tables come last."""
    lines, tables = [], {}
    for key, value in keys.items():
        table, _, name = key.rpartition(".")
        if table:
            tables.setdefault(table, []).append(f"{name} = {value}")
        else:
            lines.append(f"{key} = {value}")
    for table, inside in tables.items():
        lines += [f"[{table}]", *inside]
    return "\n".join(lines) + "\n"


def files():
    """Each of them as the keys that it has."""
    yield {}
    for name in NAMES:
        yield {"agent_name": name}
        yield {"agent_name": name, "image": KEYS["image"][0]}
    for key, values in KEYS.items():
        for value in values:
            yield {"agent_name": NAMES[0], key: value}
            yield {"agent_name": NAMES[0], "image": KEYS["image"][0], key: value}
    for one, other in itertools.combinations(KEYS, 2):
        yield {"agent_name": NAMES[0], one: KEYS[one][0], other: KEYS[other][0]}
    chance = random.Random(1)
    for _ in range(1000):
        keys = chance.sample(list(KEYS), chance.randint(3, 9))
        right = chance.random() < 0.6
        yield {"agent_name": NAMES[0], **{key: KEYS[key][0 if right else chance.randrange(len(KEYS[key]))] for key in keys}}


def read_by_cli(path, text):
    """The fields that the CLI would deploy, or None where it refuses the file."""
    path.write_text(text)
    cli.deploy_config_path = str(path)
    try:
        read = deploy_utils.load_deploy_config_file()
    except Exception:
        return None
    if read is None:
        return None
    if deploy_utils.validate_git_source_combination(read):
        return None
    fields = {name: getattr(read, name) for name in (
        "agent_name", "image", "build_id", "image_credentials", "secret_set", "region", "agent_profile", "websocket_auth", "max_session_duration", "architecture")}
    fields |= {"min_agents": read.scaling.min_agents, "max_agents": read.scaling.max_agents, "audio_filter": read.krisp_viva.audio_filter,
               "cpu": read.resources.cpu, "memory": read.resources.memory,
               "context_dir": read.build_config.context_dir, "dockerfile": read.build_config.dockerfile,
               "exclude": "\n".join(read.build_config.exclude_patterns) or None}
    fields = {name: value for name, value in fields.items() if value is not None}
    fields |= {name: str(fields[name]) for name in ("cpu", "memory") if name in fields}  # a quantity may be a number
    # Unattended, its deploy command builds where there is nothing else to deploy.
    fields["builds"] = not (read.image or read.build_id or read.git.is_set())
    return fields


# Where they differ: a name, when it applies to a file's keys, and why. Where one of
# the first list applies, this project refuses what the CLI takes; of the second, the
# CLI refuses what is taken here; of the third, a field differs.
STRICTER = {
    "names": (lambda k: k.get("agent_name") in NAMES[1:] or k.get("image") in KEYS["image"][3:5] or k.get("image_credentials") in KEYS["image_credentials"][1:3]
              or k.get("secret_set") == KEYS["secret_set"][1] or k.get("region") == KEYS["region"][1] or k.get("build_id") == KEYS["build_id"][2],
              "Names that the platform would refuse, and placeholders of templates, are reported before anything is sent."),
    "no-name": (lambda k: "agent_name" not in k, "A file without an agent's name and without any other input deploys nothing. The CLI says so in its command, not in its reader."),
    "types": (lambda k: k.get("secret_set") == "7" or k.get("image") == "1" or k.get("max_session_duration") == "60.5" or k.get("scaling.min_agents") == "1.5",
              "A value of the wrong type is an error. The CLI does not look at types."),
    "git-alone": (lambda k: "git.repo" in k and not any(key in k for key in SETTINGS),
                  "A file that has nothing but [git] gives this action nothing to deploy. The CLI links a new agent to the repository."),
    "build-keys": (lambda k: "build.platform" in k, "A key of [build] that is not known is an error, as anywhere else. The CLI passes over it."),
    "values": (lambda k: k.get("websocket_auth") == KEYS["websocket_auth"][2], "The API's document has two values. The CLI passes on what there is."),
}
LOOSER = {
    "empty-texts": (lambda k: '""' in (k.get("krisp_viva.audio_filter"), k.get("build_id")), "An empty text is not set, but for image and a quantity. To the CLI it is no filter, and a build beside an image."),
    "old-keys": (lambda k: "enable_krisp" in k or "scaling.min_instances" in k, "Keys that older versions of the CLI took are taken, with a warning."),
    "git": (lambda k: any(key.startswith("git.") for key in k), "[git] is not acted on here, so that nothing in it can be wrong, nor be in the way of an image."),
}
OTHER = {
    "empty": (lambda k, field, ours, cli: ours is None and cli == "", "An empty text is not set here. The CLI passes it on."),
    "min_agents": (lambda k, field, ours, cli: field == "min_agents" and "scaling.min_agents" not in k and "scaling.min_instances" not in k and ours is None and cli == 0,
                   "What the file does not set is not sent; the CLI sends minAgents: 0."),
    "image_credentials": (lambda k, field, ours, cli: field == "image_credentials" and ours is None and (k.get("image", '""') == '""'),
                          "A pull secret set goes with an image, and is left out with a warning where none is deployed."),
}


def run(oracle, folder):
    """Compares, and returns how many files agree, the differences by name, and the failures."""
    all_keys = list(files())
    texts = [write(keys) for keys in all_keys]
    (folder / "ours").mkdir()
    answers = subprocess.run([oracle, "-config", folder / "ours"], input="\n".join(map(json.dumps, texts)), text=True, capture_output=True, check=True).stdout.splitlines()
    agreed, explained, failures = 0, {}, []
    path = folder / "pcc-deploy.toml"
    for keys, text, answer in zip(all_keys, texts, answers, strict=True):
        ours, cli_fields = json.loads(answer), read_by_cli(path, text)
        found = compare(keys, ours.get("fields"), cli_fields)
        if None in found:
            failures.append(f"config file\n{text}is read here as {answer}, by the CLI as {cli_fields}")
        for name in set(found) - {None}:
            explained[name] = explained.get(name, 0) + 1
        agreed += not found
    failures += [f"config files: no file shows the difference {name}" for name in [*STRICTER, *LOOSER, *OTHER] if name not in explained]
    os.remove(path)
    return len(texts), agreed, explained, failures


def compare(keys, ours, cli_fields):
    """The names of the differences that explain what differs; None for one that nothing explains."""
    if ours is None and cli_fields is None:
        return []
    if ours is None:
        return [name for name, (applies, _) in STRICTER.items() if applies(keys)] or [None]
    if cli_fields is None:
        return [name for name, (applies, _) in LOOSER.items() if applies(keys)] or [None]
    found = []
    for field in sorted(ours.keys() | cli_fields.keys()):
        one, other = ours.get(field), cli_fields.get(field)
        if one == other and type(one) is type(other):
            continue
        found.append(next((name for name, (applies, _) in OTHER.items() if applies(keys, field, one, other)), None))
    return found


def table():
    lines = ["| Config files | Why |", "|---|---|"]
    for name, (_, reason) in {**STRICTER, **LOOSER, **OTHER}.items():
        lines.append(f"| `{name}` | {reason} |")
    return "\n".join(lines) + "\n"
