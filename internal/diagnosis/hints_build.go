package diagnosis

import "pipecat-cloud-deploy/internal/verdict"

// Texts that several entries share.
const (
	compiler  = "install a compiler and the libraries that it asks for in the Dockerfile (`apt-get install build-essential`), or take a version that has a wheel for `linux/arm64` and the base image's Python."
	elsewise  = "build the image in the workflow for `linux/arm64`, and set `image`."
	lessToDo  = "Give the build less to do: a smaller `build-context` by `.dockerignore` or `build-exclude`, and versions with wheels for `linux/arm64`, which need no compiling; or " + elsewise
	notCopied = "Write what `COPY` and `ADD` take relative to `build-context`, and see that `.dockerignore` and `build-exclude` do not leave it out; what `--from` takes must be in that stage."
	noAccount = "The cloud build has no credentials: have the workflow first put what is private into `build-context`, or " + elsewise
)

// buildHints are for builds that fail. Each is matched with one line of the log at a time.
var buildHints = []hint{
	// Time.
	{reason: verdict.Build, cause: verdict.BuildTimedOut, say: lessToDo},
	{reason: verdict.Build, message: re(`(?i:^(?:the )?build (?:has )?timed[ -]out\b)|\bBUILD_TIMED_OUT\b`), say: lessToDo},
	{reason: verdict.Build, cause: verdict.BuildStillRunning, say: "Raise `build-timeout`, or deploy the build when it has ended, by its `build-id`."},

	// The Dockerfile, and what it is given.
	{reason: verdict.Build, message: re(`failed to read dockerfile: |(?i:cannot locate (?:specified )?Dockerfile)|unable to evaluate symlinks in Dockerfile path|: resolve : lstat .*: no such file`), say: "Set `dockerfile` to the Dockerfile's path relative to `build-context`, and see that `.dockerignore` and `build-exclude` do not leave it out."},
	{reason: verdict.Build, message: re(`(?i:dockerfile parse error) (?:on )?line (\d{1,6})\b`), say: "Correct line {1} of the file that `dockerfile` names: an instruction such as `RUN` begins each line, but where the line before ends with a backslash."},
	{reason: verdict.Build, message: re(`failed to calculate checksum of ref \S+: "(/[^"]+)": not found$|^(?:ERROR: )?"(/[^"]+)"(?: not found)?: not found$|\b(?:COPY|ADD) failed: (?:file not found in build context or excluded by \.dockerignore: stat |stat \S*?/docker-builder\w+/)([^\s:]+)`), tell: copyAdvice, say: notCopied},
	{reason: verdict.Build, message: re(`failed to (?:calculate checksum of ref .*|compute cache key: .*|walk .*)(?:: not found|" not found|: no such file or directory)|\b(?:COPY|ADD) failed: .*(?:file not found|no such file|file does not exist|no source files|[Ff]orbidden path)|checking on sources under .*: no such file`), say: notCopied},

	{reason: verdict.Build, message: re(`secret (?:"?[\w.-]+"?: |[\w.-]+ (?:is )?)not found`), say: "A cloud build has no build secrets, so that `RUN --mount=type=secret` finds none: have the workflow put what is private into `build-context` first, or " + elsewise},

	// Base images, as BuildKit and registries speak of them.
	{reason: verdict.Build, message: re(`(?i)no match(?:ing manifest)? for (?:platform|linux)|does not match the specified platform|exec format error`), say: "Take base images, and programs in them, that are there for `linux/arm64`, which alone is built, and set no other `--platform` in `FROM`."},
	{reason: verdict.Build, message: re(`(?i)toomanyrequests|\bpull rate limit\b`), say: "The registry limits how often the base image is pulled: run the job again later, or take it from another registry, such as `public.ecr.aws`."},
	{reason: verdict.Build, message: re(`pull access denied|failed to (?:authorize|fetch (?:anonymous|oauth) token)|failed to resolve source metadata for .*(?:401 |403 |[Uu]nauthorized|[Ff]orbidden|denied)`), say: "Check how the base image in `FROM`, or the stage in `--from`, is spelled; it must be public, as the cloud build has no credentials for a registry, or else " + elsewise},
	{reason: verdict.Build, message: re(`failed to resolve source metadata for .*: not found$|^(?:ERROR: )?[\w.-]+/[\w./-]+(?::[\w.-]+|@sha256:\w+): not found$|manifest(?: for \S+)?(?: not found\b|.* unknown\b)|failed to parse stage name|invalid reference format`), say: "Check the name and the tag of the base image in `FROM`, and of the image that `COPY --from` takes: the registry has none such."},

	{reason: verdict.Build, message: re(`does not have a Release file|Release file for \S+ is expired`), say: "The base image is of a Debian or Ubuntu release that is no longer on these servers: use a newer base image, or have the Dockerfile point `/etc/apt/sources.list` at `archive.debian.org`."},
	{reason: verdict.Build, message: re(`^E: Failed to fetch .* 404 |^404  ?Not Found \[IP`), say: "The package lists of an earlier layer are out of date: run `apt-get update` in the same `RUN` as `apt-get install`, joined by `&&`."},
	{reason: verdict.Build, message: re(`NO_PUBKEY|At least one invalid signature|is not signed`), say: "The base image does not know the keys that these package lists are signed with: take a newer base image, or have the Dockerfile add the key."},

	// What a step runs out of.
	{reason: verdict.Build, message: re(`(?i)no space left on device|not have enough free space|disk quota exceeded`), say: "The build needs more disk than it has: install fewer and smaller packages, such as a CPU-only `torch`, without caches (`pip install --no-cache-dir`), or " + elsewise},
	{reason: verdict.Build, message: re(`\b(?:exit (?:code|status)|non-zero code):? 137\b|signal: killed\b|^Killed$|^/bin/\S*sh: line \d+: +\d+ Killed |Killed signal terminated program|SIGKILL\b|(?i:cannot allocate memory|out of memory\b)|^MemoryError\b`), say: "The build needs more memory than it has: use versions that have wheels for `linux/arm64` and need no compiling, compile fewer things at a time, or " + elsewise},

	// A graphics processor that no build has.
	{reason: verdict.Build, message: re(`CUDA_HOME|\bnvcc\b.*(?:not found|No such file)|CUDA (?:toolkit|runtime|compiler).*(?:not found|missing)|Could NOT find CUDA|libcuda\.so`), say: "The package is for NVIDIA's CUDA, and neither the build nor the agent has a GPU: leave it out, or take a version for the CPU."},

	// The network, and who may see what. A network that fails has packages seem to
	// be missing.
	{reason: verdict.Build, message: re(`(?i)temporary failure (?:in name resolution|resolving)|could ?n(?:o|')t resolve host|failed to lookup address|\bEAI_AGAIN\b|connection reset by peer|connection aborted|\bECONNRESET\b|connection timed out|read (?:operation )?timed out|(?:read|dial) tcp .*(?:timeout|refused)|TLS handshake timeout|network is unreachable|50[234] (?:Service Unavailable|Bad Gateway|Gateway Time-?out|Server Error)|error sending request for url`), say: "The network failed during the build: run the job again."},
	{reason: verdict.Build, message: re(`could not read (?:Username|Password) for |Permission denied \([\w,-]*publickey|Host key verification failed|[Aa]uthentication failed for |remote: (?:Repository not found|Invalid username)|terminal prompts disabled|\b(?:401|403) (?:Client )?(?:Error|Unauthorized|Forbidden)\b|status client error \(40[13]\b`), say: noAccount},
	{reason: verdict.Build, message: re(`CERTIFICATE_VERIFY_FAILED|problem confirming the ssl certificate|server certificate verification failed|unable to get local issuer certificate`), not: re(`has expired|not yet valid|mismatch|not valid for`), say: "The build does not know who signed the server's certificate: have the Dockerfile install `ca-certificates`, or the authority's own certificate, before this step."},
	{reason: verdict.Build, message: re(`\(13: Permission denied\)|\bare you root\?`), say: "The step does not run as `root`: put `USER root` before it, and the image's own `USER` after it."},
	{reason: verdict.Build, message: re(`Cannot find command '(git)'|(?i:\b(git) executable not found)`), say: "Install `{1}` in the Dockerfile, before the command that fetches a package with it (`apt-get install git`)."},

	// Files that a step reads.
	{reason: verdict.Build, message: re("Could not open requirements file|[Ff]ile not found: `[^`]*`|Neither 'setup\\.py' nor 'pyproject\\.toml'|neither 'setup\\.py' nor 'pyproject\\.toml' found|could not find a pyproject\\.toml|No `pyproject\\.toml` found|Unable to find lockfile|(?i:could ?n[o']t (?:read|find a?) ?package\\.json)|ENOENT.*package(?:-lock)?\\.json|with an existing package-lock\\.json"), say: "Have the Dockerfile `COPY` the file that lists the packages before the command that reads it, to the folder in which that runs, and see that `.dockerignore` and `build-exclude` do not leave it out."},
	{reason: verdict.Build, message: re("lockfile at `[^`]*` needs to be updated|pyproject\\.toml changed significantly since poetry\\.lock|poetry\\.lock is not up to date|can only install packages when your package\\.json and package-lock\\.json"), say: "Regenerate the lock file from your list of packages (`uv lock`, `poetry lock` or `npm install`), and commit both."},

	// Packages.
	{reason: verdict.Build, message: re(`externally-managed-environment|This environment is externally managed`), say: "The system's own Python does not accept packages from `pip`: have the Dockerfile make a virtual environment (`python3 -m venv`) and use its `pip`, or use a `python` base image."},
	{reason: verdict.Build, message: re(`incompatible with the project's Python requirement|requires-python|does not satisfy Python|requires Python ['"]?[<>=~^]|Python version \S+ is not supported by the project|unable to find a compatible version\. If you have one|No interpreter found for Python [\d.]`), say: "The base image's Python is not one that `requires-python` allows: take a base image with such a Python, or correct `requires-python` in `pyproject.toml` and `.python-version`."},
	{reason: verdict.Build, message: re(`DO NOT MATCH THE HASHES|[Hh]ash mismatch for|require-hashes mode`), say: "A hash in the requirements is not that of the package: lock the requirements again for `linux/arm64` and the base image's Python (`pip-compile --generate-hashes`, `uv lock`), and list a hash for each file."},
	{reason: verdict.Build, message: re(`Invalid requirement: ['"]?([^'":]{1,60})`), say: "Correct `{1}` in the requirements: pip cannot read the line."},
	{reason: verdict.Build, message: re(`TOML parse error at line (\d{1,6})`), say: "Correct line {1} of `pyproject.toml`, which is no valid TOML."},
	{reason: verdict.Build, message: re(`(?:Readme|README|License|LICENSE) file does not exist: ([\w./-]+)|Readme path .([\w./-]+). does not exist|FileNotFoundError: .*'(README[\w.]*)'`), say: "Have the Dockerfile `COPY` `{1}` before the package is built, which `pyproject.toml` names, and see that `.dockerignore` does not leave it out."},
	{reason: verdict.Build, message: re(`Readme path must be within the project directory`), say: "Name a readme in `pyproject.toml` that is within the project's own folder."},
	{reason: verdict.Build, message: re(`setuptools[-_]scm was unable to detect version`), say: "The build has no `.git`, of which the version is made: set `SETUPTOOLS_SCM_PRETEND_VERSION` in the Dockerfile."},
	{reason: verdict.Build, message: re(`([\w./-]+\.(?:whl|onnx|pth?|bin|zip|tar\.gz|safetensors))\b`), when: isPointer, say: "`{1}` is a pointer of Git LFS instead of the file: check out with `lfs: true` (`actions/checkout`)."},
	{reason: verdict.Build, message: re(`git-lfs\.github\.com`), say: "A file is a pointer of Git LFS instead of its content: check out with `lfs: true` (`actions/checkout`)."},
	{reason: verdict.Build, message: re("\\b([\\w.+-]+\\.whl) is not a supported wheel|Distribution `([\\w.-]+)[^`]*` can't be installed because it doesn't have"), say: "`{1}` is not for `linux/arm64` or not for the base image's Python: take a version that is, or leave it out."},
	{reason: verdict.Build, message: re(`(?:No matching distribution found for|Could not find a version that satisfies the requirement) ([\w.-]+)|\b([\w.-]+)\S* (?:was|were) not found in the package registry|there (?:is no version|are no versions) of ([\w.-]+)|only ([\w.-]+)\S* (?:is|are) available|\b([\w.-]+)\S* has no wheels with a matching|Package '([\w.-]+)' requires a different Python`), say: "Check how `{1}` is spelled in the requirements, and that the package index has that version for the base image's Python and for `linux/arm64`."},
	{reason: verdict.Build, message: re(`ResolutionImpossible|\bERESOLVE (?:unable to|could not) resolve|these package versions have conflicting dependencies|we can conclude that .*unsatisfiable|No solution found when resolving`), say: "The requirements contradict each other: loosen or correct the versions in them until they can be installed together."},
	{reason: verdict.Build, message: re(`Unable to locate package ([\w.+-]+)|Package '([\w.+-]+)' has no installation candidate|Couldn't find any package by (?:glob|regex) '([\w.+*-]+)'|^ *([\w.+-]+) \(no such package\)`), say: "Check how `{1}` is spelled, run `apt-get update` in the same `RUN` before it is installed, and see that the base image's release has it for arm64."},
	{reason: verdict.Build, message: re("command '[^']*?(?:gcc|cc|clang|g\\+\\+|c\\+\\+|cmake)[\\w.-]*' failed: No such file|\\b(?:gcc|cc|clang|g\\+\\+|c\\+\\+|cmake|rustc|cargo): (?:command )?not found|unable to execute '[^']*(?:gcc|cc|g\\+\\+|c\\+\\+)'|No such file or directory: '(?:gcc|cc|g\\+\\+|c\\+\\+|cmake)'|linker `cc` not found|can't find Rust compiler|Cargo, the Rust package manager, is not installed|No CMAKE_C(?:XX)?_COMPILER could be found|[Uu]nknown compiler\\(s\\)"), say: "What is installed needs compiling, and the base image has no compiler: " + compiler},
	{reason: verdict.Build, message: re(`fatal error: '?([\w./+-]+\.h(?:pp|h)?)'?(?:: No such file| file not found)`), say: "Have the Dockerfile install the system package with the header `{1}`, often one whose name ends in `-dev`, or take a version of what needs it that has a wheel for `linux/arm64`."},
	{reason: verdict.Build, message: re("Failed (?:building wheel for |to build installable wheels for some pyproject\\.toml based projects \\(|to (?:download and )?build `)([\\w.-]+)(?:$|[^\\w. @-]|, )"), say: "Where `{1}` is to be compiled, " + compiler},
	{reason: verdict.Build, message: re(`ModuleNotFoundError: No module named '([\w.]+)'`), say: "Have the Dockerfile install what has `{1}` before this step; a package that needs it to be built must then be installed with `--no-build-isolation`, or in a version that has a wheel.", tell: setuptools},
	{reason: verdict.Build, message: re(`([\w.+-]+\.so[.\d]*): cannot open shared object file`), say: "Before this step, have the Dockerfile install the system library that has `{1}`.", tell: systemLibrary},
	{reason: verdict.Build, message: re(`command '[^']*?(?:gcc|cc|g\+\+|c\+\+|cmake)' failed with exit|metadata-generation-failed|Could not build wheels for |Getting requirements to build wheel .* error`), say: "Where a package is to be compiled, " + compiler},

	{reason: verdict.Build, message: re(`[\w./-]\\r['"]|\$'\\r'`), say: "A script has line endings of Windows (CRLF): save it with LF, for instance by `*.sh text eol=lf` in `.gitattributes`."},
	{reason: verdict.Build, message: re(`/(?:ba|da)?sh: (?:line )?(?:\d+: )?(\S+): Permission denied$`), say: "`{1}` may not be executed: set the flag in the repository (`git update-index --chmod=+x`), or run it by its interpreter (`RUN sh {1}`)."},
	{reason: verdict.Build, message: re(`/(?:ba|da)?sh: (?:line )?(?:\d+: )?([\w.+-]+): (?:command )?not found$|exec: "([\w./+-]+)": (?:executable file not found|stat .*no such file)`), say: "Install `{1}` in the Dockerfile before the command that needs it, or correct how it is spelled."},
}
