package diagnosis

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pipecat-cloud-deploy/internal/verdict"
)

// hintText is a hint with texts that show it, and near misses that must not.
type hintText struct {
	say    string // its beginning
	with   crash  // what else is known
	files  fstest.MapFS
	shows  []string
	misses []string
}

func code0(n int) crash { return crash{ExitCode: &n, Reason: verdict.Crash} }

// raised is an exception with the user's own line that raised it.
func raised(source, exception string) string {
	return "Traceback (most recent call last):\n  File \"/app/bot.py\", line 3, in <module>\n    " + source + "\n" + exception + "\n"
}

// inLibrary is an exception that a library raised.
func inLibrary(file, exception string) string {
	return "Traceback (most recent call last):\n  File \"/app/bot.py\", line 3, in <module>\n    start()\n  File \"" + file + "\", line 8, in go\n    raise x\n" + exception + "\n"
}

// using is an exception that a library's own line raised.
func using(source, exception string) string {
	return raised("import asyncio", "  File \"/usr/local/lib/python3.12/asyncio/log.py\", line 7, in <module>\n    "+source+"\n"+exception)
}

// running is an exception of the program that a process was to be started of.
func running(exception string) string {
	return raised("start()", "  File \"/usr/local/lib/python3.12/subprocess.py\", line 1955, in _execute_child\n    raise child_exception_type(errno_num, err_msg, err_filename)\n"+exception)
}

var (
	built    = crash{Reason: verdict.Build}
	refused  = crash{Reason: verdict.Refused}
	unpulled = crash{Reason: verdict.ImagePull}
	unnamed  = fstest.MapFS{"run/start.sh": {Data: []byte("python bot.py\n")}}
	ruled    = fstest.MapFS{"run/start.sh": {Data: []byte("#!/bin/sh\npython bot.py\n")}}
	pointers = fstest.MapFS{"models/vad.onnx": {Data: []byte("version https://git-lfs.github.com/spec/v1\n")}, "models/real.onnx": {Data: []byte{8, 1}},
		"wheels/x.whl": {Data: []byte("version https://git-lfs.github.com/spec/v1\n")}, "wheels/real.whl": {Data: []byte("PK")}}
	crlf = fstest.MapFS{"run/start.sh": {Data: []byte("#!/bin/sh\r\npython bot.py\r\n")}}
	own  = fstest.MapFS{"flows/__init__.py": {}, "prices.py": {}}
)

var hintTexts = []hintText{
	// Builds.
	{say: "Give the build less to do", with: built, shows: []string{"Build timed out"}, misses: []string{"#9 1.2 test timed out"}},
	{say: "Set `dockerfile`", with: built, shows: []string{"ERROR: failed to read dockerfile: open Dockerfile: no such file or directory"}, misses: []string{"#9 1.2 cannot open menu.json: no such file or directory"}},
	{say: "Correct line {1} of the file that", with: built, shows: []string{"ERROR: dockerfile parse error on line 4: unknown instruction: RUNN"}, misses: []string{"#9 1.2 parse error on line 4 of menu.yaml"}},
	{say: "Write what `COPY`", with: built, shows: []string{`ERROR: failed to calculate checksum of ref a::b: "/menu.json": not found`, "COPY failed: no source files were specified"}, misses: []string{"#9 1.2 cp: menu.json: not found"}},
	{say: "Take base images", with: built, shows: []string{"ERROR: no match for platform in manifest: not found"}, misses: []string{"#9 1.2 no match for pattern *.wav"}},
	{say: "The registry limits how often the base", with: built, shows: []string{"ERROR: toomanyrequests: You have reached your pull rate limit"}, misses: []string{"#9 1.2 the API's rate limit was reached"}},
	{say: "Check how the base image", with: built, shows: []string{"ERROR: pull access denied, repository does not exist"}, misses: []string{"#9 1.2 access denied for user 'bot'"}},
	{say: "Check the name and the tag", with: built, shows: []string{"ERROR: docker.io/acme/base:v9: not found"}, misses: []string{"#9 1.2 tag v9: not found"}},
	{say: "A cloud build has no build secrets", with: built, shows: []string{"#7 ERROR: failed to build secret pypi_token: not found", "ERROR: failed to solve: secret npmrc: not found"}, misses: []string{"#7 1.2 error: the secret menu was not found"}},
	{say: "The base image is of a Debian", with: built, shows: []string{"#7 1.2   404  Not Found [IP: 192.0.2.1 80]\n#7 1.3 E: The repository 'http://ports.ubuntu.com/ubuntu-ports mantic Release' no longer has a Release file.", "#7 1.2 E: The repository 'http://deb.debian.org/debian stretch Release' does not have a Release file."}, misses: []string{"#7 1.2 E: Unable to locate package sox9", "#7 1.2 Release file created"}},
	{say: "The package lists of an earlier layer", with: built, shows: []string{"#7 1.2 E: Failed to fetch http://deb.debian.org/pool/f/ff.deb  404  Not Found [IP: 192.0.2.1 80]"}, misses: []string{"#7 1.2 E: Failed to fetch http://deb.debian.org/x  Connection timed out", "#7 1.2 error: GET /menu 404 Not Found"}},
	{say: "The base image does not know the keys", with: built, shows: []string{"#7 1.2 W: GPG error\n#7 1.3 E: The repository 'http://x stable InRelease' is not signed."}, misses: []string{"#7 1.2 error: the wheel is unsigned"}},
	{say: "The build needs more disk", with: built, shows: []string{"#7 1.2 OSError: [Errno 28] No space left on device"}, misses: []string{"#7 1.2 error: no space in the name"}},
	{say: "The build needs more memory", with: built, shows: []string{"#7 1.2 c++: fatal error: Killed signal terminated program cc1plus"}, misses: []string{"#7 1.2 error: the memory file is missing"}},
	{say: "The package is for NVIDIA's CUDA", with: built, shows: []string{"#7 1.2 OSError: CUDA_HOME environment variable is not set.", "#7 1.2 CMake Error: Could NOT find CUDA (missing: CUDA_NVCC)"}, misses: []string{"#7 1.2 error: gcc: command not found", "#7 1.2 torch 2.7+cuda128 installed"}},
	{say: "The network failed", with: built, shows: []string{"#7 1.2 curl: (6) Could not resolve host: example.com"}, misses: []string{"#7 1.2 error: could not resolve the module"}},
	{say: "The cloud build has no credentials", with: built, shows: []string{"#7 1.2 WARNING: 401 Error, Credentials not correct for https://x/simple/loguru/\n#7 1.3 ERROR: No matching distribution found for loguru", "#7 1.2 fatal: could not read Username for 'https://github.com': terminal prompts disabled"}, misses: []string{"#7 1.2 fatal: not a git repository"}},
	{say: "The build does not know who signed", with: built, shows: []string{"#7 1.2 curl: (60) SSL certificate problem: unable to get local issuer certificate", "#7 1.2 fatal: unable to access 'https://x/': server certificate verification failed. CAfile: none"}, misses: []string{"#7 1.2 ssl.SSLError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired", "#7 1.2 error: the certificate is for someone else"}},
	{say: "The step does not run as `root`", with: built, shows: []string{"#7 1.2 E: Could not open lock file /var/lib/apt/lists/lock - open (13: Permission denied)", "#7 1.2 E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?"}, misses: []string{"#7 1.2 cp: cannot open 'x': Permission denied"}},
	{say: "`{1}` is not for `linux/arm64` or", with: built, shows: []string{"#7 1.2 ERROR: a-1.0-cp312-cp312-manylinux2014_x86_64.whl is not a supported wheel on this platform.", "#7 1.2 error: Distribution `a==1.20.1 @ registry+https://x/simple` can't be installed because it doesn't have a source distribution or wheel for the current platform"}, misses: []string{"#7 1.2 ERROR: Failed building wheel for a", "#7 1.2 error: menu is not supported on this platform"}},
	{say: "Have the Dockerfile install what has `{1}`", with: built, shows: []string{"#7 1.2 ModuleNotFoundError: No module named 'numpy'\n#7 1.3 error: metadata-generation-failed", "#7 1.2 ModuleNotFoundError: No module named 'pkg_resources'"}, misses: []string{"#7 1.2 error: no module named so", "#7 1.2 NameError: name 'numpy' is not defined"}},
	{say: "Before this step, have", with: built, shows: []string{"#7 1.2 ImportError: libGL.so.1: cannot open shared object file: No such file or directory"}, misses: []string{"#7 1.2 cp: a.so: cannot open it"}},
	{say: "Install `{1}` in the Dockerfile, before", with: built, shows: []string{"#7 1.2 ERROR: Cannot find command 'git' - do you have 'git' installed and in your PATH?"}, misses: []string{"#7 1.2 ERROR: Cannot find command 'menu'"}},
	{say: "Have the Dockerfile `COPY` the file that lists", with: built, shows: []string{"#7 1.2 ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'requirements.txt'"}, misses: []string{"#7 1.2 ERROR: cannot open menu.txt"}},
	{say: "Regenerate the lock file", with: built, shows: []string{"#7 1.2 pyproject.toml changed significantly since poetry.lock was last generated."}, misses: []string{"#7 1.2 error: the lock is held by another process"}},
	{say: "The system's own Python", with: built, shows: []string{"#7 1.2 error: externally-managed-environment"}, misses: []string{"#7 1.2 error: the environment is managed"}},
	{say: "The base image's Python is not one", with: built, shows: []string{`#7 1.2 The currently activated Python version 3.10.14 is not supported by the project (^3.12).`, "#7 1.2 error: The Python request from `.python-version` resolved to Python 3.11.9, which is incompatible with the project's Python requirement: `>=3.12`", "#7 1.2 error: No interpreter found for Python 3.13 in search path"}, misses: []string{"#7 1.2 ERROR: No matching distribution found for python-magick"}},
	{say: "A hash in the requirements", with: built, shows: []string{"#7 1.2 ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "#7 1.2 error: Hash mismatch for `loguru==0.7.2`"}, misses: []string{"#7 1.2 error: hash of the menu is wrong"}},
	{say: "Correct `{1}` in the requirements", with: built, shows: []string{"#7 1.2 ERROR: Invalid requirement: 'loguru=0.7'"}, misses: []string{"#7 1.2 error: invalid menu requirement"}},
	{say: "Correct line {1} of `pyproject.toml`", with: built, shows: []string{"#7 1.2   Caused by: TOML parse error at line 4, column 2"}, misses: []string{"#7 1.2 error: parse error at line 4"}},
	{say: "Have the Dockerfile `COPY` `{1}` before the package", with: built, shows: []string{"#7 1.2 Error: The current project could not be installed: Readme path `/app/README.md` does not exist.", "#7 1.2 OSError: Readme file does not exist: README.md"}, misses: []string{"#7 1.2 OSError: menu does not exist: menu.md"}},
	{say: "Name a readme", with: built, shows: []string{"#7 1.2 ValueError: Readme path must be within the project directory:\n#7 1.2 ../README.md"}, misses: []string{"#7 1.2 ValueError: path must be within the project directory"}},
	{say: "The build has no `.git`", with: built, shows: []string{"#7 1.2 LookupError: setuptools-scm was unable to detect version for /app."}, misses: []string{"#7 1.2 LookupError: unable to detect the voice"}},
	{say: "A file is a pointer of Git LFS", with: built, shows: []string{"#7 1.2 error: version https://git-lfs.github.com/spec/v1"}, misses: []string{"#7 1.2 error: https://github.com/acme/lfs"}},
	{say: "Check how `{1}` is spelled in the requirements", with: built, shows: []string{"#7 1.2 ERROR: No matching distribution found for loguruu"}, misses: []string{"#7 1.2 WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate'))'\n#7 1.3 ERROR: No matching distribution found for loguru", "#7 1.2 error: no match found for loguruu"}},
	{say: "The requirements contradict", with: built, shows: []string{"#7 1.2 npm error ERESOLVE unable to resolve dependency tree\n#7 1.2 npm error Found: react@18.0.0", "#7 1.2 ERROR: Cannot install a and b because these package versions have conflicting dependencies."}, misses: []string{"#7 1.2 error: conflicting menu entries"}},
	{say: "Check how `{1}` is spelled, run `apt-get update`", with: built, shows: []string{"#7 1.2 E: Unable to locate package sox9"}, misses: []string{"#7 1.2 E: Sub-process /usr/bin/dpkg returned an error code (1)"}},
	{say: "What is installed needs compiling", with: built, shows: []string{"#7 1.2 error: command 'gcc' failed: No such file or directory"}, misses: []string{"#7 1.2 error: command 'menu' failed: No such file or directory"}},
	{say: "Have the Dockerfile install the system package with the header", with: built, shows: []string{"#7 1.2 src/a.c:3:10: fatal error: portaudio.h: No such file or directory"}, misses: []string{"#7 1.2 fatal error: menu.json: No such file or directory"}},
	{say: "Where `{1}` is to be compiled", with: built, shows: []string{"#7 1.2 ERROR: Failed building wheel for pyaudio"}, misses: []string{"#7 1.2 error: failed building the menu"}},
	{say: "Where a package is to be compiled", with: built, shows: []string{"#7 1.2 error: metadata-generation-failed"}, misses: []string{"#7 1.2 error: menu-generation-failed"}},
	{say: "A script has line endings", with: built, shows: []string{`#7 1.2 /usr/bin/env: 'sh\r': No such file or directory`}, misses: []string{"#7 1.2 /usr/bin/env: 'sh9': No such file or directory"}},
	{say: "`{1}` may not be executed: set the flag in the repository (`git update-index --chmod=+x`), or run", with: built, shows: []string{"#7 1.2 /bin/sh: 1: ./build.sh: Permission denied"}, misses: []string{"#7 1.2 cp: cannot open 'x': Permission denied"}},
	{say: "Install `{1}` in the Dockerfile before the command", with: built, shows: []string{"#7 1.2 /bin/sh: 1: sox: not found"}, misses: []string{"#7 1.2 error: sox: no such voice"}},
	{say: "Correct the option on line", with: built, shows: []string{"ERROR: dockerfile parse error on line 4: unknown flag: --form"}, misses: []string{"ERROR: dockerfile parse error on line 4: unknown instruction: RUNN", "#7 1.2 error: unknown flag: --form"}},
	{say: "Give `ARG {1}` a default", with: built, shows: []string{"ERROR: base name ($BASE) should not be blank"}, misses: []string{"#7 1.2 error: the name should not be blank"}},
	{say: "Have the Dockerfile make the user", with: built, shows: []string{"ERROR: unable to find user bot: no matching entries in passwd file"}, misses: []string{"#7 1.2 error: unable to find user 7 in the menu"}},
	{say: "Correct the line `# syntax=`", with: built, shows: []string{"ERROR: failed to resolve source metadata for docker.io/docker/dockerfile:9: docker.io/docker/dockerfile:9: not found"}, misses: []string{"ERROR: failed to resolve source metadata for docker.io/acme/dockerfile:9: docker.io/acme/dockerfile:9: not found"}},
	{say: "A mirror of the system's packages", with: built, shows: []string{"#7 1.2 E: Failed to fetch http://x/a.deb  Hash Sum mismatch"}, misses: []string{"#7 1.2 error: Hash mismatch for `loguru==0.7.2`"}},
	{say: "Write `apt-get install -y`", with: built, shows: []string{"#7 1.2 Do you want to continue? [Y/n] Abort."}, misses: []string{"#7 1.2 error: do you want to go on? [y/N]"}},
	{say: "Write `poetry install --only main`", with: built, shows: []string{`#7 1.2 The option "--no-dev" does not exist`}, misses: []string{`#7 1.2 The option "--menu" does not exist`}},
	{say: "A build has no secrets, so", with: built, shows: []string{"#7 1.2 KeyError: 'DAILY_API_KEY'"}, misses: []string{"#7 1.2 KeyError: 'menu'", "#7 1.2 KeyError: 'MENU'"}},
	{say: "Name the package's folder", with: built, shows: []string{"#7 1.2 ValueError: Unable to determine which files to ship inside the wheel using"}, misses: []string{"#7 1.2 ValueError: unable to determine the voice"}},
	{say: "Name what to install in", with: built, shows: []string{"#7 1.2 error: Multiple top-level modules discovered in a flat-layout: ['a', 'b']."}, misses: []string{"#7 1.2 error: several modules in the layout"}},
	{say: "Correct `{1}` where the package or", with: built, shows: []string{"#7 1.2 fatal: Remote branch v9 not found in upstream origin", "#7 1.2 error: pathspec 'v9' did not match any file(s) known to git"}, misses: []string{"#7 1.2 error: the pathspec v9 is wrong"}},
	{say: "Check how `{1}` is spelled: spaCy", with: built, shows: []string{"#7 1.2 No compatible package found for 'en_core_web_big' (spaCy v3.8.7)"}, misses: []string{"#7 1.2 No compatible voice found for 'en'"}},
	{say: "The base image's Node is not", with: built, shows: []string{"#7 1.2 npm error notsup Not compatible with your version of node/npm: ws@9.0.0", `#7 1.2 error ws@9.0.0: The engine "node" is incompatible with this module.`}, misses: []string{"#7 1.2 npm error ERESOLVE could not resolve"}},
	{say: "Check how `{1}` is spelled in `package.json`", with: built, shows: []string{"#7 1.2 npm error 404  'wsx@^1.0.0' is not in this registry.", "#7 1.2 npm error notarget No matching version found for ws@^99.0.0."}, misses: []string{"#7 1.2 npm error 404 is not good", "#7 1.2 error: No match found for ws"}},
	{say: "The package servers of the base image's release", with: built, shows: []string{"#7 1.2 E: Version '7:5' for 'ffmpeg' was not found"}, misses: []string{"#7 1.2 E: Unable to locate package ffmpegg"}},
	{say: "Check how `{1}` is spelled: the base image's", with: built, shows: []string{"#7 1.2   ffmpg (no such package):"}, misses: []string{"#7 1.2 E: Unable to locate package ffmpg", "#7 1.2 error: no such package"}},
	{say: "The base image has no `{1}`: install", with: built, shows: []string{"#7 1.2 /bin/sh: apt-get: not found", "#7 1.2 /bin/sh: 1: apk: not found"}, misses: []string{"#7 1.2 /bin/sh: 1: sox: not found"}},
	{say: "Have the Dockerfile install the development", with: built, shows: []string{"#7 1.2 sh: 1: vite: not found", "#7 1.2 sh: tsc: not found"}, misses: []string{"#7 1.2 /bin/sh: 1: tsc: not found", "#7 1.2 sh: 1: sox: not found"}},
	{say: "The step does not run as `root`", with: built, shows: []string{"#7 1.2 ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/usr/lib/python3/uv'", "#7 1.2 npm error Error: EACCES: permission denied, mkdir '/app/node_modules'"}, misses: []string{"#7 1.2 OSError: [Errno 13] Permission denied: '/app/menu'"}},
	{say: "The address that `ADD`", with: built, shows: []string{"#5 ERROR: failed to load cache key: invalid response status 403"}, misses: []string{"#5 ERROR: failed to load cache key: invalid response status 503", "#5 ERROR: failed to load cache key: invalid response status 429"}},
	{say: "What npm installs needs", with: built, shows: []string{"#7 1.2 npm error gyp ERR! stack Error: not found: make"}, misses: []string{"#7 1.2 error: menu not found: maker"}},
	{say: "Have the Dockerfile install `python3-venv`", with: built, shows: []string{"#7 1.2 The virtual environment was not created successfully because ensurepip is not\n#7 1.2 available."}, misses: []string{"#7 1.2 error: ensurepip failed"}},
	{say: "Have the Dockerfile `COPY` `{1}` before this step", with: built, shows: []string{"#7 1.2 ERROR: Could not install packages due to an OSError: [Errno 2] No such file or directory: '/app/a.whl'"}, misses: []string{"#7 1.2 ERROR: Could not install packages due to an OSError: [Errno 2] No such file or directory: '/root/.cache/pip/a'", "#7 1.2 OSError: [Errno 2] No such file or directory: '/app/a.whl'"}},
	{say: "The network failed", with: built, shows: []string{"#7 1.2 npm error network request to https://x failed, reason: connect ETIMEDOUT"}, misses: []string{"#7 1.2 error: timeout of the menu"}},
	{say: "Check how `{1}` is spelled, run", with: built, shows: []string{"#7 1.2 E: Package 'libgl1-mesa-glx' has no installation candidate"}, misses: []string{"#7 1.2 E: libgl1-mesa-glx is broken"}},

	// The platform's words.
	{say: "The image pull secret that", with: unpulled, shows: []string{"illegal base64 data at input byte 4"}, misses: []string{"illegal data"}},
	{say: strings.ReplaceAll(elsewhere, "{1}", "secret-set"), with: refused, shows: []string{"secret set \"a\" is in region us-east, and the agent in us-west"}, misses: []string{"the agent is in region us-east"}},
	{say: strings.ReplaceAll(elsewhere, "{1}", "image-credentials"), with: refused, shows: []string{"image pull secret \"a\" is in region us-east"}, misses: []string{"the image is in region us-east"}},
	{say: "Make the image pull secret", with: refused, shows: []string{"image pull secret \"a\" not found"}, misses: []string{"image not found"}},
	{say: "Put `{1}` into the secret set that `secret-set` names: the set", with: refused, shows: []string{"couldn't find key DAILY_API_KEY in Secret ns/bot"}, misses: []string{"couldn't find key DAILY_API_KEY in ConfigMap ns/bot"}},
	{say: "Make the secret set that", with: refused, shows: []string{`secret "bot-secrets" not found`}, misses: []string{`configmap "bot" not found`}},
	{say: "The secret set is still being made", with: refused, shows: []string{"secret set \"a\" is not yet ready"}, misses: []string{"the agent is not yet ready"}},
	{say: "The platform could not make the secret set", with: refused, shows: []string{"secret set \"a\" could not be provisioned"}, misses: []string{"the agent could not be provisioned"}},
	{say: "An agent is started with", with: refused, shows: []string{"PCC-1002: no key"}, misses: []string{"PCC-10020: no key"}},
	{say: "Set up billing", with: refused, shows: []string{"PCC-1004: no", "billing is not set up"}, misses: []string{"the bill is high"}},
	{say: "Check that `image` names", with: unpulled, shows: []string{"PCC_IMAGE_NOT_FOUND: no such image", "manifest unknown"}, misses: []string{"unauthorized"}},
	{say: "Set `image-credentials`", with: unpulled, shows: []string{"unauthorized: authentication required", "PCC_IMAGE_PULL_UNAUTHORIZED: no"}, misses: []string{"manifest unknown"}},
	{say: "Make the image smaller", with: unpulled, shows: []string{"PCC_IMAGE_TOO_LARGE: 9 GB", "failed to extract: no space left on device"}, misses: []string{"manifest unknown"}},
	{say: "The registry limits how often images", with: unpulled, shows: []string{"PCC_IMAGE_PULL_RATE_LIMIT: no", "429 Too Many Requests"}, misses: []string{"manifest unknown"}},
	{say: "Build the image, and all native", with: crash{Reason: verdict.Crash}, shows: []string{"exec /usr/local/bin/python: exec format error", raised("subprocess.run(tool)", "OSError: [Errno 8] Exec format error: '/app/tool'")}, misses: []string{"error: bad format"}},
	{say: "Build the image, and all native", with: unpulled, shows: []string{"no matching manifest for linux/arm64", "PCC_INVALID_IMAGE_PLATFORM: no"}, misses: []string{"manifest unknown"}},
	{say: "Check `image` and `image-credentials`", with: unpulled, shows: []string{"PCC_IMAGE_PULL_UNKNOWN_ERROR: no"}, misses: []string{"PCC_IMAGE_NOT_FOUND: no"}},
	{say: "Write `image` as", with: unpulled, shows: []string{"couldn't parse image name \"HTTPS://x\""}, misses: []string{"manifest unknown"}},

	// Native code.
	{say: "Import the package that loads", shows: []string{"ImportError: /lib/libgomp.so.1: cannot allocate memory in static TLS block"}, misses: []string{"OSError: [Errno 12] Cannot allocate memory"}},
	{say: "A binary needs `{1}`", shows: []string{"ImportError: /lib/libc.so.6: version `GLIBC_2.38' not found (required by /app/a.so)", "OSError: /lib/libstdc++.so.6: version `GLIBCXX_3.4.32' not found"}, misses: []string{"RuntimeError: version `2.38' not found"}},
	{say: "A native library in the image is built", shows: []string{`ImportError: /x/a.cpython-312-x86_64-linux-gnu.so: cannot open shared object file: No such file or directory`, "ImportError: /app/a.so: wrong ELF class: ELFCLASS64", "OSError: /app/a.so: invalid ELF header"}, misses: []string{"ValueError: invalid header", "ImportError: libz.so.1: cannot open shared object file: No such file or directory"}},
	{say: "A binary is built for another C library", shows: []string{"ImportError: Error loading shared library ld-linux-aarch64.so.1: No such file or directory (needed by a.so)", "ImportError: Error relocating /app/a.so: __memcpy_chk: symbol not found"}, misses: []string{`KeyError: symbol not found: TEA`, "ImportError: a.so: undefined symbol: zlib_x", "NameError: name 'symbol' is not defined"}},
	{say: "Nothing there has a GPU", shows: []string{`ImportError: libnccl.so.2: cannot open shared object file: No such file or directory`, `OSError: libtorch_cuda.so: cannot open shared object file: No such file or directory`, `ValueError: This CTranslate2 package was not compiled with CUDA support`, "ImportError: libcudart.so.12: cannot open shared object file: No such file or directory", "RuntimeError: Found no NVIDIA driver on your system.", "OutOfMemoryError: CUDA out of memory."}, misses: []string{`ImportError: libnvme.so.1: cannot open shared object file: No such file or directory`, "ImportError: libz.so.1: cannot open shared object file: No such file or directory", "MemoryError"}},
	{say: "Have the Dockerfile install the system library", shows: []string{"ImportError: libGL.so.1: cannot open shared object file: No such file or directory", "OSError: libz9.so.1: cannot open shared object file: No such file or directory"}, misses: []string{"FileNotFoundError: [Errno 2] No such file or directory: 'a.so'"}},
	{say: "A native library does not fit", shows: []string{"ImportError: /app/a.so: undefined symbol: _ZN4absl"}, misses: []string{`ValueError: undefined symbol: tea`, "NameError: name 'x' is not defined"}},
	{say: "A package was compiled for NumPy 1", shows: []string{"AttributeError: `np.float_` was removed in the NumPy 2.0 release. Use `np.float64` instead.", "AttributeError: _ARRAY_API not found", "ValueError: numpy.dtype size changed, may indicate binary incompatibility"}, misses: []string{"ModuleNotFoundError: No module named 'numpy'", "AttributeError: module 'numpy' has no attribute 'flaot'"}},
	{say: "Native code crashed", with: code0(139), shows: []string{"", "Segmentation fault (core dumped)"}, misses: []string{raised("main()", "KeyError: 'tea'")}},

	// The image's command.
	{say: "The script has line endings", with: code0(127), shows: []string{`/usr/bin/env: 'sh\r': No such file or directory`, `/app/start.sh: line 2: $'\r': command not found`}, misses: []string{"/usr/bin/env: 'bash': No such file or directory", `ValueError: bad line 'a\r'`}},
	{say: "The first line of `{1}` must name", files: unnamed, shows: []string{"exec /app/start.sh: exec format error", "[FATAL tini (7)] exec /app/start.sh failed: Exec format error"}, misses: []string{"exec /app/server: exec format error"}},
	{say: "The first line of `{1}` must name", files: ruled, misses: []string{"exec /app/start.sh: exec format error"}},
	{say: "`{1}` is not in the image, or the interpreter", shows: []string{"exec /app/start.sh: no such file or directory"}, misses: []string{"exec /app/start.sh: permission denied"}},
	{say: "`{1}` is not in the image: have the Dockerfile install", shows: []string{`/app/start.sh: line 4: sox: command not found`, `/bin/sh: 1: uvicorn: not found`, `exec: "gunicorn": executable file not found in $PATH`, "/app/start.sh: 3: exec: gunicorn: not found"}, misses: []string{`error: voice 1: nova: not found`, `exec: "gunicorn": permission denied`}},
	{say: "`{1}` may not be executed: set the flag in the repository (`git update-index --chmod=+x`), or in", shows: []string{`exec: "/app/start.sh": permission denied`, "/bin/sh: 1: ./start.sh: Permission denied"}, misses: []string{"PermissionError: [Errno 13] Permission denied: '/app/start.sh'"}},
	{say: "The image's command cannot be executed", with: code0(126), shows: []string{"no way to run this: fatal"}, misses: []string{raised("main()", "KeyError: 'tea'")}},
	{say: "The image's command was not found", with: code0(127), shows: []string{"the loader did not find it: fatal"}, misses: []string{raised("main()", "KeyError: 'tea'"), "/app/start.sh: line 4: sox: command not found"}},
	{say: "The agent's process ends by itself", with: code0(0), shows: []string{"", "INFO:root:hello\n"}, misses: []string{raised("main()", "KeyError: 'tea'"), "error: no room"}},

	// Memory.
	{say: "The agent needs more memory", with: crash{Reason: verdict.OutOfMemory}, shows: []string{""}},
	{say: "The agent needs more memory", with: code0(1), shows: []string{`numpy._core._exceptions._ArrayMemoryError: Unable to allocate 9.31 GiB for an array with shape (9,)`, "MemoryError", "terminate called after throwing an instance of 'std::bad_alloc': fatal", "OSError: [Errno 12] Cannot allocate memory"}, misses: []string{"OutOfMemoryError: CUDA out of memory.", "ImportError: a.so: cannot allocate memory in static TLS block"}},
	{say: "The agent was killed", with: code0(137), shows: []string{"", "INFO:root:loading\n"}, misses: []string{raised("main()", "KeyError: 'tea'")}},

	// Python.
	{say: "Pipecat's base image runs", shows: []string{"ModuleNotFoundError: No module named 'bot'", "python: can't open file '/app/bot.py': [Errno 2] No such file or directory"}, misses: []string{"ModuleNotFoundError: No module named 'botocore'", "python: can't open file '/app/web.py': [Errno 2] No such file or directory"}},
	{say: "`{1}` is not in the image: have the Dockerfile copy", shows: []string{"python: can't open file '/app/main.py': [Errno 2] No such file or directory"}, misses: []string{"python: can't open file '/app/bot.py': [Errno 2] No such file or directory", raised("load()", "OSError: can't open file '/app/menu'")}},
	{say: "Have the Dockerfile copy `{1}` into the image, where", files: fstest.MapFS{"data/menu.json": {}, ".env": {}, "data/google_voices.json": {}, "client_secret.json": {}}, shows: []string{"FileNotFoundError: [Errno 2] No such file or directory: 'data/google_voices.json'", "FileNotFoundError: [Errno 2] No such file or directory: 'data/menu.json'"},
		misses: []string{"FileNotFoundError: [Errno 2] No such file or directory: 'client_secret.json'", "FileNotFoundError: [Errno 2] No such file or directory: 'data/prices.json'", "FileNotFoundError: [Errno 2] No such file or directory: '.env'"}},
	{say: "NumPy was installed for another", shows: []string{"ImportError: \n\nImporting the numpy C-extensions failed.\n\nOriginal error was: No module named 'numpy.core._multiarray_umath'\n"}, misses: []string{"ImportError: \n\nImporting the numpy C-extensions failed.\n\nOriginal error was: libcblas.so.3: cannot open shared object file: No such file or directory\n"}},
	{say: "Rename your `{1}`: it has", shows: []string{"AttributeError: module 'queue' has no attribute 'Queue' (consider renaming '/app/queue.py' since it has the same name as the standard library module)", "ModuleNotFoundError: No module named 'openai.types'; 'openai' is not a package"}, misses: []string{"AttributeError: module 'queue' has no attribute 'Queue'", "ModuleNotFoundError: No module named 'openai.types'"}},
	{say: "Rename your `{1}`: it has", files: fstest.MapFS{"logging.py": {}, "bot.py": {}}, shows: []string{
		using("logger = logging.getLogger(__package__)", "AttributeError: module 'logging' has no attribute 'getLogger'"),
	}, misses: []string{
		using("app = getattr(module, name)", "AttributeError: module 'bot' has no attribute 'app'"),
		using("q = queue.Queue()", "AttributeError: module 'queue' has no attribute 'Queue'"),
		"AttributeError: module 'logging' has no attribute 'getLogger'",
	}},
	{say: "Rename your `{1}.py`: it has the same name as a module", files: fstest.MapFS{"requirements.txt": {Data: []byte("loguru\nopenai==1.0\n")}}, shows: []string{
		inLibrary("/usr/local/lib/python3.12/tempfile.py", "ImportError: cannot import name 'Random' from 'random' (/app/random.py)"),
		"ImportError: cannot import name 'OpenAI' from 'openai' (/app/openai.py)",
	}, misses: []string{"ImportError: cannot import name 'greet' from 'flows' (/app/flows.py)"}},
	{say: "Rename your `{1}.py`: it has the same name as the package", shows: []string{inLibrary("/usr/local/lib/python3.12/secrets.py", "ImportError: cannot import name 'SystemRandom' from partially initialized module 'random' (most likely due to a circular import) (/app/random.py)"), inLibrary("/app/openai.py", "ImportError: cannot import name 'OpenAI' from partially initialized module 'openai' (most likely due to a circular import) (/app/openai.py)")}, misses: []string{inLibrary("/app/menus.py", "ImportError: cannot import name 'pick' from partially initialized module 'voices' (most likely due to a circular import) (/app/voices.py)")}},
	{say: "Two of your modules", shows: []string{inLibrary("/app/menus.py", "ImportError: cannot import name 'pick' from partially initialized module 'voices' (most likely due to a circular import) (/app/voices.py)")}, misses: []string{"ImportError: cannot import name 'pick' from 'voices' (/app/voices.py)"}},
	{say: "Install the extra of `pipecat-ai`", shows: []string{inLibrary("/x/site-packages/pipecat/services/anthropic/llm.py", "ModuleNotFoundError: No module named 'anthropic'"), "Exception: Missing module: No module named 'deepgram'", "Exception: Missing module(s): No module named 'onnxruntime'"}, misses: []string{inLibrary("/x/site-packages/menus/a.py", "ModuleNotFoundError: No module named 'anthropic'"), "ModuleNotFoundError: No module named 'deepgram'"}},
	{say: "Add `setuptools<81`", shows: []string{"ModuleNotFoundError: No module named 'pkg_resources'"}, misses: []string{"ModuleNotFoundError: No module named 'pkg_resource'"}},
	{say: "Python no longer has `{1}`", shows: []string{"ModuleNotFoundError: No module named 'audioop'"}, misses: []string{"ModuleNotFoundError: No module named 'audiotools'", "ModuleNotFoundError: No module named 'cgi_menu'"}},
	{say: "The image's Python was built without", shows: []string{"ModuleNotFoundError: No module named '_ctypes'", "ModuleNotFoundError: No module named '_sqlite3'"}, misses: []string{"ModuleNotFoundError: No module named 'ctypes_menu'", "ModuleNotFoundError: No module named 'pysqlite3'"}},
	{say: "The version that the image installs has no", shows: []string{"ModuleNotFoundError: No module named 'pipecat.services.nova'"}, misses: []string{"ModuleNotFoundError: No module named 'pipecat'"}},
	{say: "Have the Dockerfile copy `{1}` into the image, to", files: own, shows: []string{"ModuleNotFoundError: No module named 'flows'", "ModuleNotFoundError: No module named 'prices'"}, misses: []string{"ModuleNotFoundError: No module named 'voices'"}},
	{say: "Add the package", files: own, shows: []string{"ModuleNotFoundError: No module named 'voices'", "ModuleNotFoundError: No module named 'cv2'"}, misses: []string{`ModuleNotFoundError: No module named '_ctypes'`, "ModuleNotFoundError: No module named 'flows'", "ModuleNotFoundError: No module named 'openai.types'", "ModuleNotFoundError: No module named 'pkg_resources'"}},
	{say: "Check the spelling of the name", shows: []string{"ImportError: cannot import name 'builder' from 'google.protobuf.internal' (/usr/lib/python3/dist-packages/google/protobuf/internal/__init__.py)", "ImportError: cannot import name 'Voice' from 'lib.x' (/usr/lib/python3/dist-packages/lib/x.py)"}, misses: []string{"ImportError: cannot import name 'Voice' from 'lib.x' (/app/lib/x.py)"}},
	{say: "Check the spelling of `{1}`", shows: []string{"ImportError: cannot import name 'Voice' from 'lib.x' (/app/lib/x.py)"}, misses: []string{"ImportError: libx.so.1: cannot open shared object file: No such file or directory"}},
	{say: "Add `pydantic-settings`", shows: []string{"pydantic.errors.PydanticImportError: `BaseSettings` has been moved to the `pydantic-settings` package."}, misses: []string{"pydantic.errors.PydanticUserError: a non-annotated attribute was detected"}},
	{say: "The client is older than the `httpx`", shows: []string{"TypeError: Client.__init__() got an unexpected keyword argument 'proxies'"}, misses: []string{"TypeError: greet() got an unexpected keyword argument 'voice'"}},
	{say: "Have the Dockerfile install `{1}` (`npm ci`)", shows: []string{"Error: Cannot find module 'express'", "Error [ERR_MODULE_NOT_FOUND]: Cannot find package '@acme/x' imported from /app/a.mjs"}, misses: []string{"Error: Cannot find module '/app/dist/a.js'"}},
	{say: "Have the Dockerfile copy or build", shows: []string{"Error: Cannot find module '/app/dist/a.js'"}, misses: []string{"Error: Cannot find the room '/app'"}},

	{say: "A package was generated for `protobuf` {1}", shows: []string{"google.protobuf.runtime_version.VersionError: Detected incompatible Protobuf Gencode/Runtime versions when loading x.proto: gencode 6.31.0 runtime 5.29.4."}, misses: []string{"VersionError: gencode 6.31.0"}},
	{say: "A package was generated for an older", shows: []string{"TypeError: Descriptors cannot be created directly."}, misses: []string{"TypeError: cannot be created directly"}},

	// Files and data.
	{say: "`{1}` is a pointer of Git LFS instead of the file: check out with `lfs: true` (`actions/checkout`) before", files: pointers, shows: []string{"RuntimeError: Load model from /app/models/vad.onnx failed"}, misses: []string{"RuntimeError: Load model from /app/models/real.onnx failed"}},
	{say: "`{1}` is a pointer of Git LFS instead of the file: check out with `lfs: true` (`actions/checkout`).", with: built, files: pointers, shows: []string{"#7 1.2 error: Failed to read `x @ file:///app/wheels/x.whl`"}, misses: []string{"#7 1.2 error: Failed to read `x @ file:///app/wheels/real.whl`"}},
	{say: "The image does not know who signed", shows: []string{"SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"}, misses: []string{`SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired`, `SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, certificate is not valid for 'x'`, "SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number"}},
	{say: "Have the Dockerfile install the system library for PortAudio", shows: []string{"OSError: PortAudio library not found"}, misses: []string{"OSError: the library was not found"}},
	{say: "The value for `{1}`", shows: []string{`ValueError: Environment variable LOG_LEVEL must be one of debug, info`, `ValueError: invalid value for LOG_LEVEL environment variable`, `environs.exceptions.EnvValidationError: Environment variable "MAX_CALLS" invalid: Not a valid integer.`, inLibrary("/x/site-packages/pydantic_settings/main.py", "pydantic_core.ValidationError: 1 validation error for Settings\nport\n  Input should be a valid integer [type=int_parsing]"), "pydantic_settings.exceptions.SettingsError: error parsing value for field \"voices\" from source \"EnvSettingsSource\""}, misses: []string{`ValueError: LOG_LEVEL environment variable is not set`, `environs.exceptions.EnvError: Environment variable "MAX_CALLS" not set`, inLibrary("/x/site-packages/pydantic_settings/main.py", "pydantic_core.ValidationError: 1 validation error for Settings\nfoo\n  Extra inputs are not permitted [type=extra_forbidden]"), inLibrary("/x/site-packages/pydantic/main.py", "pydantic_core.ValidationError: 1 validation error for Menu\nport\n  Input should be a valid integer [type=int_parsing]"), "SettingsError: error in settings"}},
	{say: "The file is likely a pointer", shows: []string{"_pickle.UnpicklingError: invalid load key, 'v'.", "InvalidProtobuf: [ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from a.onnx failed"}, misses: []string{"_pickle.UnpicklingError: invalid load key, '<'."}},
	{say: "Have the Dockerfile download the data", shows: []string{"LookupError: \n****\n  Resource punkt_tab not found.\n  >>> nltk.download('punkt_tab')\n"}, misses: []string{"LookupError: resource not found", "see nltk.download('punkt_tab')"}},
	{say: "Have the Dockerfile download the model", shows: []string{"OSError: [E050] Can't find model 'en_core_web_md'."}, misses: []string{"OSError: [E051] can't find the model"}},
	{say: "The image does not have this locale", shows: []string{"locale.Error: unsupported locale setting"}, misses: []string{"ValueError: unsupported locale"}},
	{say: "`{1}` is not in the image, to which no secrets", shows: []string{"FileNotFoundError: [Errno 2] No such file or directory: '/app/.env'"}, misses: []string{"FileNotFoundError: [Errno 2] No such file or directory: 'menu.env'"}},
	{say: "`{1}` is not in the image, to which no cred", shows: []string{"FileNotFoundError: [Errno 2] No such file or directory: 'google-credentials.json'"}, misses: []string{"FileNotFoundError: [Errno 2] No such file or directory: 'menu.json'"}},
	{say: "The container's disk is full", shows: []string{`OSError: [Errno 122] Disk quota exceeded: '/app/rec.wav'`, "OSError: [Errno 28] No space left on device"}, misses: []string{"OSError: [Errno 5] Input/output error"}},
	{say: "`{1}`, which the agent runs", files: fstest.MapFS{"tools/menu": {}}, shows: []string{running("FileNotFoundError: [Errno 2] No such file or directory: 'ffmpeg'")}, misses: []string{running("FileNotFoundError: [Errno 2] No such file or directory: 'tools/menu'"), "FileNotFoundError: [Errno 2] No such file or directory: 'ffmpeg'"}},
	{say: "The agent may not write there", shows: []string{"OSError: [Errno 30] Read-only file system: '/app/cache'"}, misses: []string{"OSError: [Errno 28] No space left on device", "PermissionError: [Errno 13] Permission denied: '/app/cache'"}},
	{say: "The user that the image runs as", shows: []string{"PermissionError: [Errno 13] Permission denied: '/app/cache'"}, misses: []string{"google.api_core.exceptions.PermissionDenied: 403 no", "PermissionError: [Errno 1] Operation not permitted"}},

	// What the environment lacks.
	{say: secretSet, shows: []string{raised(`assert os.getenv("DAILY_TOKEN")`, "AssertionError"), raised(`svc = TTS(voice=os.getenv("VOICE"))`, "ValueError: voice must not be None"), raised(`need(os.environ[name])`, "KeyError: 'GREETING'"), raised("need(\"greeting\")\n  File \"<frozen os>\", line 685, in __getitem__", "KeyError: 'greeting'"), `RuntimeError: the bot cannot start:
 - OPENAI_API_KEY is not set`, inLibrary("/x/site-packages/pipecat/a.py", "ValueError: KRISP_MODEL_FOLDER is not set"), `AssertionError: Please set CAFE_TONE in your environment`, raised("setup()", "django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting must not be empty."), raised(`tone = need(os.getenv("CAFE_TONE"))`, "ValueError: CAFE_TONE is missing"), raised(`url = "https://" + os.getenv("CRM_HOST")`, "TypeError: can only concatenate str (not \"NoneType\") to str"), `/app/start.sh: line 2: OPENAI_API_KEY: set it to run the bot`, "/app/server.js:1\nconst key = process.env.OPENAI_API_KEY.trim()\n                                        ^\n\nTypeError: Cannot read properties of undefined (reading 'trim')\n",
		raised(`key = os.environ["GREETING"]`, "KeyError: 'GREETING'"),
		raised(`key = settings["DAILY_API_KEY"]`, "KeyError: 'DAILY_API_KEY'"),
		"KeyError: 'DAILY_API_KEY'",
		"decouple.UndefinedValueError: DAILY_API_KEY not found. Declare it as envvar or define a default value.",
		"openai.OpenAIError: set the OPENAI_API_KEY environment variable",
		"ValueError: DAILY_API_KEY is not set",
		"RuntimeError: missing DAILY_API_KEY",
		"/app/start.sh: line 4: DAILY_API_KEY: unbound variable",
		raised(`hosts = os.getenv("HOSTS").split()`, "AttributeError: 'NoneType' object has no attribute 'split'"),
		raised(`requests.get(os.getenv("CRM_URL"))`, "MissingSchema: Invalid URL 'None': No scheme supplied."),
	}, misses: []string{raised(`assert find(os.getenv("DAILY_TOKEN"))`, "AssertionError"), raised(`svc = TTS(api_key=os.getenv("TTS_KEY"), voice=pick())`, "ValueError: voice must not be None"), `ValueError: Environment variable LOG_LEVEL must be one of debug, info`, raised(`print(URLS[os.environ["STAGE"]])`, "KeyError: 'prod'"), raised(`print(MENU["VOICE"], os.environ.get("X"))`, "KeyError: 'VOICE'"), raised(`print(MENU[os.environ[name]])`, "KeyError: 'VOICE'"), raised(`room = find(os.getenv("ROOM", "lobby")).url`, "AttributeError: 'NoneType' object has no attribute 'url'"), raised(`room = find(os.environ["STAGE"]).url`, "AttributeError: 'NoneType' object has no attribute 'url'"), raised(`room = find(os.getenv("STAGE")).url`, "AttributeError: 'NoneType' object has no attribute 'url'"), raised(`url = os.getenv("CRM_HOST", "x") + find()`, "TypeError: can only concatenate str (not \"NoneType\") to str"), raised(`url = os.getenv("CRM_HOST") + os.getenv("CRM_PATH")`, "TypeError: unsupported operand type(s) for +: 'NoneType' and 'NoneType'"), `ValueError: PRICE_EUR is missing`, `RuntimeError: CALL_STATE must be set before CALL_END`, `RuntimeError: no tea
someone says OPENAI_API_KEY is not set`, `RuntimeError: no tea
/app/bot.py:3: UserWarning: OPENAI_API_KEY is not set`, `KeyError: 'language'
OPENAI_API_KEY is not set`,
		raised(`print(MENU["VOICE_ID"])`, "KeyError: 'VOICE_ID'"),
		raised(`print(MENU["GREETING"])`, "KeyError: 'GREETING'"),
		"NameError: name 'DAILY_API_KEY' is not defined",
		"ValueError: MAX_TOKENS is required to be positive",
		"AttributeError: module 'config' has no attribute 'DAILY_API_KEY'",
		"ImportError: cannot import name 'DAILY_API_KEY' from 'config' (/app/config.py)",
		`psycopg.errors.UndefinedColumn: column "USER_ID" is missing`,
		"OSError: JAVA_HOME environment variable is not set",
		raised(`hosts = find().split()`, "AttributeError: 'NoneType' object has no attribute 'split'"),
		raised(`requests.get(url)`, "MissingSchema: Invalid URL 'None': No scheme supplied."),
		"TypeError: greet() missing 1 required positional argument: 'VOICE_ID'",
	}},
	{say: "Put what is missing (`{1}`)", shows: []string{inLibrary("/x/site-packages/pydantic_settings/main.py", "pydantic_core.ValidationError: 2 validation errors for Settings\nport\n  Input should be a valid integer [type=int_parsing]\nkey\n  Field required [type=missing, input_value={}, input_type=dict]"),
		inLibrary("/x/site-packages/pydantic_settings/main.py", "pydantic_core.ValidationError: 1 validation error for Settings\nkey\n  Field required [type=missing, input_value={}, input_type=dict]"),
	}, misses: []string{
		inLibrary("/x/site-packages/pydantic/main.py", "pydantic_core.ValidationError: 1 validation error for Settings\nkey\n  Field required [type=missing, input_value={}, input_type=dict]"),
		inLibrary("/x/site-packages/pydantic_settings/main.py", "pydantic_core.ValidationError: 1 validation error for Settings\nkey\n  Input should be a valid integer [type=int_parsing]"),
	}},
	{say: secretSets, shows: []string{
		"RuntimeError: an environment variable is missing",
		"ValueError: an API key is required: api_key must be set",
		"ValueError: you did not provide an API key",
		"ValueError: No valid credentials provided.",
	}, misses: []string{`RuntimeError: access token: the scope calls is missing`,
		inLibrary("/x/site-packages/pydantic/main.py", "pydantic_core.ValidationError: 1 validation error for Settings\nkey\n  Field required [type=missing, input_value={}, input_type=dict]"),
		"ParseError: not well-formed (invalid token): line 1, column 0",
		"SyntaxError: a token is required",
		"TypeError: start() missing 1 required keyword-only argument: 'api_key'",
	}},
	{say: "Put `ANTHROPIC_API_KEY`", shows: []string{inLibrary("/x/site-packages/anthropic/_client.py", `TypeError: "Could not resolve authentication method. Expected either api_key or auth_token to be set."`)},
		misses: []string{inLibrary("/x/site-packages/other/_client.py", `TypeError: "Could not resolve authentication method."`)}},
	{say: "Put the credentials of a Google", shows: []string{"google.auth.exceptions.DefaultCredentialsError: Your default credentials were not found."}, misses: []string{"google.auth.exceptions.RefreshError: no"}},
	{say: "Put `AWS_REGION`", shows: []string{"botocore.exceptions.NoRegionError: You must specify a region."}, misses: []string{"ValueError: You must specify a region."}},
	{say: "Put `AWS_ACCESS_KEY_ID`", shows: []string{"botocore.exceptions.NoCredentialsError: Unable to locate credentials"}, misses: []string{"LookupError: unable to locate it"}},

	// Services.
	{say: "The account at the service", shows: []string{`ApiError: status_code: 401, body: {'detail': {'status': 'quota_exceeded', 'message': 'This request exceeds your quota of 10000.'}}`, "openai.RateLimitError: Error code: 429 - insufficient_quota"}, misses: []string{`OSError: [Errno 122] Disk quota exceeded: '/app/rec.wav'`, "openai.RateLimitError: Error code: 429 - slow down"}},
	{say: "The service has no model", shows: []string{`anthropic.NotFoundError: Error code: 404 - {'type': 'error', 'error': {'type': 'not_found_error', 'message': 'model: claude-9'}}`, `ValidationException: The provided model identifier is invalid.`, `DeepgramApiError: Bad Request: No such model/language/tier combination found. (Status: 400)`, `HTTPStatusError: status code 404: unknown model`, "openai.NotFoundError: The model `gpt-9` does not exist", "ClientError: 404 NOT_FOUND. models/gemini-pro is not found"}, misses: []string{`RuntimeError: Model file not found: /app/models/vad`, `ValueError: Invalid model size 'larg', expected one of: tiny, base`, `LookupError: The model User does not exist in app calls`, `ApiError: status_code: 404, body: {'detail': {'status': 'voice_not_found'}}`, "OSError: [E050] Can't find model 'x'.", "ModuleNotFoundError: No module named 'model'"}},
	{say: "The service knows the agent's key", shows: []string{`HTTPError: 403 Client Error: Forbidden for url: https://x`, `ApiError: status_code: 401, body: {'detail': {'status': 'missing_permissions', 'message': 'The API key you used is missing the permission voices_read.'}}`, inLibrary("/x/site-packages/google/a.py", "google.api_core.exceptions.PermissionDenied: 403 the API is disabled"), "ClientError: An error occurred (AccessDeniedException): not authorized to perform: x"}, misses: []string{inLibrary("/x/site-packages/menu/a.py", "ValueError: 403 voices are too many"), "PermissionError: [Errno 13] Permission denied: '/app/x'", "ValueError: 403 voices are too many"}},
	{say: wrongKey, shows: []string{`ClientError: 400 INVALID_ARGUMENT. {'error': {'message': 'API key not valid. Please pass a valid API key.'}}`, `ClientError: An error occurred (InvalidSignatureException) when calling x`, `ClientAuthenticationError: (401) Access denied due to invalid subscription key or wrong API endpoint.`, `ERROR: server rejected WebSocket connection: HTTP 401`, `DeepgramError: DeepgramError: server rejected WebSocket connection: HTTP 401`, `ClientResponseError: 401, message='no', url='https://x'`, `Exception: Unable to create room: 401 {"error":"authentication-error"}`, "AuthenticationError: Incorrect API key provided", inLibrary("/x/site-packages/websockets/a.py", "websockets.exceptions.InvalidStatus: server rejected WebSocket connection: HTTP 401")}, misses: []string{`RepositoryNotFoundError: 401 Client Error. Repository Not Found for url: https://x`, `ERROR: menu has 401 items`, "ParseError: not well-formed (invalid token): line 1", "ValueError: line 401 is wrong", "ValueError: invalid credentials file format"}},
	{say: "Nothing listens on that port", shows: []string{"ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 6379)"}, misses: []string{"ConnectionRefusedError: [Errno 111] Connect call failed ('10.0.0.7', 6379)", "ValueError: localhost"}},
	{say: "The name of the server", shows: []string{`error: dial tcp: lookup redis on 10.0.0.10:53: no such host`, "socket.gaierror: [Errno -2] Name or service not known"}, misses: []string{`error: no such host in the menu`, "ValueError: name not known"}},
	{say: "Something else listens", shows: []string{"OSError: [Errno 98] address already in use"}, misses: []string{"ValueError: the name is already in use"}},
	{say: "Have the Dockerfile install the wheel of", shows: []string{"Exception: Missing module: No module named 'krisp_audio'"}, misses: []string{"Exception: Missing module: No module named 'krisp'"}},
	{say: "The image's Python has no such name", shows: []string{"ImportError: cannot import name 'override' from 'typing' (/usr/local/lib/python3.11/typing.py)", "ImportError: cannot import name 'Mapping' from 'collections' (/usr/local/lib/python3.12/collections/__init__.py)", "ImportError: cannot import name 'shufle' from 'random' (/usr/local/lib/python3.12/random.py)"}, misses: []string{"ImportError: cannot import name 'x' from 'openai' (/usr/local/lib/python3.12/site-packages/openai/__init__.py)", "ImportError: cannot import name 'x' from 'menu' (/app/menu.py)"}},
	{say: "Leave out what plays and records", shows: []string{"OSError: No Default Input Device Available", "sounddevice.PortAudioError: Error querying device -1"}, misses: []string{"OSError: Invalid device menu", "OSError: PortAudio library not found"}},
	{say: "`{1}` is not in the image, to which no credentials", shows: []string{inLibrary("/x/site-packages/google/oauth2/service_account.py", "FileNotFoundError: [Errno 2] No such file or directory: '/keys/sa.json'")}, misses: []string{inLibrary("/x/site-packages/menu/a.py", "FileNotFoundError: [Errno 2] No such file or directory: '/keys/sa.json'")}},
	{say: "Put `LIVEKIT_URL`", shows: []string{inLibrary("/x/site-packages/livekit/api/livekit_api.py", "ValueError: url must be set")}, misses: []string{inLibrary("/x/site-packages/menu/api.py", "ValueError: url must be set")}},
	{say: "The value for `{1}` in the secret set that `secret-set` names is not what the code", shows: []string{raised(`n = int(os.environ["N"])`, "ValueError: invalid literal for int() with base 10: 'x'"), raised(`c = json.loads(os.getenv('C'))`, "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)")}, misses: []string{
		raised(`n = int(os.getenv("N", "x"))`, "ValueError: invalid literal for int() with base 10: 'x'"),
		raised(`n = int(menu["N"])`, "ValueError: invalid literal for int() with base 10: 'x'"),
		raised(`n = load(os.environ["N"])`, "ValueError: invalid literal for int() with base 10: 'x'"),
		raised(`n = int(os.environ["N"]) + int(os.environ["M"])`, "ValueError: invalid literal for int() with base 10: 'x'")}},
	{say: secretSet, shows: []string{
		raised(`r = from_url(os.getenv("REDIS_URL"))`, "  File \"/x/site-packages/redis/connection.py\", line 8, in parse_url\n    if url.startswith(x):\nAttributeError: 'NoneType' object has no attribute 'startswith'"),
		raised(`c = create_client(os.getenv("SUPABASE_URL"), os.getenv("SUPABASE_KEY"))`, "SupabaseException: supabase_url is required"),
	}, misses: []string{
		raised(`r = from_url(os.getenv("REDIS_URL"), menu)`, "  File \"/x/site-packages/redis/connection.py\", line 8, in parse_url\n    if url.startswith(x):\nAttributeError: 'NoneType' object has no attribute 'startswith'"),
		raised(`r = from_url(os.getenv("REDIS_URL"))`, "  File \"/x/site-packages/redis/connection.py\", line 8, in parse_url\n    pool.get()\nAttributeError: 'NoneType' object has no attribute 'get'"),
		raised(`c = create_client(os.getenv("SUPABASE_URL"))`, "SupabaseException: menu is required"),
	}},
	{say: "A header is made of a value, such as a key, that is empty", shows: []string{`httpx.LocalProtocolError: Illegal header value b'Bearer '`, "ValueError: Newline, carriage return, or null byte detected in headers. Potential header injection attack."}, misses: []string{"ValueError: Newline in the menu", "httpx.LocalProtocolError: Illegal header name b'x y'"}},
	{say: "A header is made of a value, such as a key, that has", shows: []string{inLibrary("/x/site-packages/httpx/_models.py", "UnicodeEncodeError: 'ascii' codec can't encode character '\\u2026' in position 10: ordinal not in range(128)")}, misses: []string{raised("print(menu)", "UnicodeEncodeError: 'ascii' codec can't encode character '\\u2026' in position 10: ordinal not in range(128)")}},
	{say: "The service is not offered", shows: []string{"google.genai.errors.ClientError: 400 FAILED_PRECONDITION. {'error': {'message': 'User location is not supported for the API use.'}}"}, misses: []string{"ValueError: the country is not supported"}},
	{say: "Turn this API on", shows: []string{"google.api_core.exceptions.PermissionDenied: 403 Cloud Text-to-Speech API has not been used in project 1 before or it is disabled."}, misses: []string{"google.api_core.exceptions.PermissionDenied: 403 The caller does not have permission"}},
	{say: "Add a payment method", shows: []string{`Exception: Unable to create room (status: 400): {"info":"account-missing-payment-method"}`}, misses: []string{`Exception: Unable to create room (status: 400): {"info":"missing name"}`}},
	{say: "Accept the terms of the model", shows: []string{"OSError: You are trying to access a gated repo.", "huggingface_hub.errors.GatedRepoError: 401 Client Error."}, misses: []string{"RepositoryNotFoundError: 401 Client Error. Repository Not Found for url: https://x"}},
	{say: "The Azure resource has no", shows: []string{"openai.NotFoundError: Error code: 404 - {'error': {'code': 'DeploymentNotFound'}}"}, misses: []string{"openai.NotFoundError: Error code: 404 - {'error': {'code': 'x'}}"}},
	{say: "The service has no voice", shows: []string{"ApiError: status_code: 404, body: {'detail': {'status': 'voice_not_found'}}"}, misses: []string{"ValueError: voice not found in the menu"}},
	{say: "The database does not accept", shows: []string{`psycopg.OperationalError: connection failed: FATAL:  password authentication failed for user "bot"`, "redis.exceptions.AuthenticationError: WRONGPASS invalid username-password pair or user is disabled."}, misses: []string{`psycopg.OperationalError: connection failed: FATAL:  database "bot" does not exist`, "PermissionError: access denied for user 'bot'"}},
	{say: "The client has no address", shows: []string{`psycopg2.OperationalError: connection to server on socket "/tmp/.s.PGSQL.5432" failed: No such file or directory`}, misses: []string{`psycopg2.OperationalError: connection to server at "10.0.0.7", port 5432 failed: Connection refused`}},
	{say: "Nothing listens on that port", shows: []string{raised(`httpx.get("http://localhost:11434/api")`, "httpx.ConnectError: All connection attempts failed")}, misses: []string{raised(`httpx.get(url, headers={"x": "localhost-1"})`, "httpx.ConnectError: All connection attempts failed"), raised(`asyncio.run(serve(host="localhost"))`, "httpx.ConnectError: All connection attempts failed"), raised(`httpx.get("http://localhost:11434/api")`, "ConnectionRefusedError: [Errno 111] Connect call failed ('10.0.0.7', 6379)")}},
	{say: "The user that the image runs as may not listen", shows: []string{"ERROR:    [Errno 13] error while attempting to bind on address ('0.0.0.0', 80): permission denied"}, misses: []string{"ERROR:    [Errno 98] error while attempting to bind on address ('0.0.0.0', 80): address already in use", "ERROR:    [Errno 13] error while attempting to bind on address ('0.0.0.0', 8080): permission denied"}},
	{say: "The user that the image runs as may not write or read", shows: []string{"error: failed to create directory `/.cache/uv`: Permission denied (os error 13)"}, misses: []string{"error: failed to create directory `/.cache/uv`: File exists (os error 17)"}},
	{say: "The folder of the database", shows: []string{"sqlite3.OperationalError: unable to open database file"}, misses: []string{"sqlite3.OperationalError: no such table: calls"}},
	{say: "Write `CMD` and `ENTRYPOINT` as lists", shows: []string{"/bin/sh: 1: [uv,: not found", "/bin/sh: 1: ['python',: not found"}, misses: []string{"/bin/sh: 1: [: not found", "/bin/sh: 1: python: not found"}},
	{say: "The virtual environment with", shows: []string{"/app/start.sh: line 2: /app/.venv/bin/uvicorn: /home/me/.venv/bin/python: bad interpreter: No such file or directory"}, misses: []string{"/app/start.sh: line 2: /app/run.sh: /bin/zsh: bad interpreter: No such file or directory", "/app/start.sh: line 2: /app/.venv/bin/uvicorn: No such file or directory"}},
	{say: "`{1}` is not in the image: have the Dockerfile copy it", shows: []string{"/bin/sh: 0: cannot open start.sh: No such file", "bash: ./start.sh: No such file or directory"}, misses: []string{"/app/start.sh: 3: cannot open menu.json: No such file", "cat: ./start.sh: No such file or directory"}},
	{say: "Name a module of `{1}`", shows: []string{"/usr/local/bin/python: No module named bots.__main__; 'bots' is a package and cannot be directly executed"}, misses: []string{"/usr/local/bin/python: No module named bots.menu"}},
	{say: "The image's Python is older", shows: []string{"TypeError: unsupported operand type(s) for |: 'ABCMeta' and 'NoneType'"}, misses: []string{"TypeError: unsupported operand type(s) for |: 'str' and 'NoneType'", "TypeError: unsupported operand type(s) for +: 'type' and 'NoneType'"}},
	{say: "The image's system no longer loads", shows: []string{"ImportError: libctranslate2.so.4: cannot enable executable stack as shared object requires: Invalid argument"}, misses: []string{"ImportError: libctranslate2.so.4: cannot open shared object file"}},
	{say: "`{1}` is not in the image, to which no secrets", shows: []string{"node: .env.production: not found"}, misses: []string{"node: menu: not found"}},
	{say: secretSet, shows: []string{
		`omegaconf.errors.InterpolationResolutionError: KeyError raised while resolving interpolation: "Environment variable 'DAILY_API_KEY' not found"`,
		inLibrary("/x/site-packages/dynaconf/validator.py", "dynaconf.validator.ValidationError: DAILY_API_KEY is required in env main"),
		"ZodError: [\n  {\n    \"path\": [\n      \"DAILY_API_KEY\"\n    ],\n    \"message\": \"Invalid input: expected string, received undefined\"\n  }\n]",
		raised(`c = Config(key=os.getenv("DAILY_API_KEY"))`, "pydantic.error_wrappers.ValidationError: 1 validation error for Config\nkey\n  none is not an allowed value (type=type_error.none.not_allowed)"),
	}, misses: []string{
		`omegaconf.errors.InterpolationKeyError: Interpolation key 'DAILY_API_KEY' not found`,
		inLibrary("/x/site-packages/menu/validator.py", "menu.ValidationError: DAILY_API_KEY is required in env main"),
		"ZodError: [\n  {\n    \"path\": [\n      \"DAILY_API_KEY\"\n    ],\n    \"message\": \"Invalid email\"\n  }\n]",
	}},
	{say: "The service refuses its free plan", shows: []string{"ApiError: status_code: 401, body: {'detail': {'status': 'detected_unusual_activity'}}"}, misses: []string{"ValueError: unusual activity detected"}},
	{say: "The account at the service has no quota", shows: []string{"websockets.exceptions.InvalidStatus: server rejected WebSocket connection: HTTP 402"}, misses: []string{"websockets.exceptions.InvalidStatus: server rejected WebSocket connection: HTTP 429"}},
	{say: "The container does not have that address", shows: []string{"ERROR:    [Errno 99] error while attempting to bind on address ('10.1.2.3', 8080): cannot assign requested address"}, misses: []string{"ERROR:    [Errno 98] error while attempting to bind on address ('10.1.2.3', 8080): address already in use"}},
	{say: "The server does not speak TLS", shows: []string{"ssl.SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1000)"}, misses: []string{"ValueError: wrong version of the menu"}},
	{say: "The name of the server", shows: []string{"  File \"/x/site-packages/openai/_base_client.py\", line 8, in request\n    raise x\nhttpx.ConnectError: [Errno -2] Name or service not known\n\nThe above exception was the direct cause of the following exception:\n\n" + raised("ask()", "openai.APIConnectionError: Connection error.")},
		misses: []string{"httpx.ConnectError: [Errno -2] Name or service not known\n\nDuring handling of the above exception, another exception occurred:\n\n" + raised("ask()", "openai.APIConnectionError: Connection error.")}},
	{say: "The script has line endings", files: crlf, shows: []string{"exec /app/start.sh: no such file or directory", "[FATAL tini (7)] exec ./start.sh failed: No such file or directory"}, misses: []string{"exec /app/menu.sh: no such file or directory"}},
	{say: "The script has line endings", files: ruled, misses: []string{"exec /app/start.sh: no such file or directory"}},
	{say: "A script has line endings", with: built, files: crlf, shows: []string{"#7 1.2 /bin/sh: 1: ./start.sh: not found"}, misses: []string{"#7 1.2 /bin/sh: 1: ./menu.sh: not found"}},
	{say: "A script has line endings", with: built, files: ruled, misses: []string{"#7 1.2 /bin/sh: 1: ./start.sh: not found"}},

	// Packages that are not whole, or not for each other.
	{say: "The package lacks its own", shows: []string{
		inLibrary("/x/site-packages/jiter/__init__.py", "ModuleNotFoundError: No module named 'jiter.jiter'"),
		"ImportError: /x/site-packages/daily/daily.abi3.so: cannot open shared object file: No such file or directory",
		inLibrary("/x/site-packages/aiohttp/http.py", "ModuleNotFoundError: No module named 'aiohttp._http_parser'"),
		inLibrary("/x/site-packages/PIL/Image.py", "ImportError: cannot import name '_imaging' from 'PIL' (/x/site-packages/PIL/__init__.py)"),
		inLibrary("/x/site-packages/grpc/_compression.py", "ImportError: cannot import name 'cygrpc' from 'grpc._cython' (/x/site-packages/grpc/_cython/__init__.py)"),
	}, misses: []string{
		inLibrary("/x/site-packages/menus/__init__.py", "ModuleNotFoundError: No module named 'jiter.jiter'"),
		inLibrary("/x/site-packages/google/cloud/speech.py", "ModuleNotFoundError: No module named 'google.auth'"),
		inLibrary("/x/site-packages/menus/__init__.py", "ModuleNotFoundError: No module named 'menus.tea'"),
		"ImportError: libz.so.1: cannot open shared object file: No such file or directory",
		inLibrary("/x/site-packages/grpc/_compression.py", "ImportError: cannot import name 'menu' from 'grpc.menus' (/x/site-packages/grpc/menus.py)"),
	}},
	{say: "Name the package that has", shows: []string{"ModuleNotFoundError: No module named 'google.genai'", "ModuleNotFoundError: No module named 'opentelemetry.exporter.otlp'", "ModuleNotFoundError: No module named 'azure.menus'"}, misses: []string{"ModuleNotFoundError: No module named 'googlemaps.menus'", "ModuleNotFoundError: No module named 'google'"}},
	{say: ownModule, files: fstest.MapFS{"src/agents.py": {}, "flows/menu/__init__.py": {}, "tools/weather.py": {}, "etc/redis.conf": {}, "services/redis.py": {}, "app/__init__.py": {}, "app/twilio.py": {}}, shows: []string{
		"ModuleNotFoundError: No module named 'src.agents'", "ModuleNotFoundError: No module named 'flows.menu'", "ModuleNotFoundError: No module named 'tools'",
		raised("import redis", "ModuleNotFoundError: No module named 'redis'"),
	}, misses: []string{
		"ModuleNotFoundError: No module named 'src.voices'", "ModuleNotFoundError: No module named 'etc'", "ModuleNotFoundError: No module named 'twilio'",
		raised("from services import cache", "  File \"/app/services/cache.py\", line 1, in <module>\n    import redis\nModuleNotFoundError: No module named 'redis'"),
	}},
	{say: "`{1}` is among your requirements", files: fstest.MapFS{"requirements.txt": {Data: []byte("python-dotenv==1.0\n")}, "bot/pyproject.toml": {Data: []byte("[project]\nname = \"bot\"\ndependencies = [\"pipecat-ai[daily]>=0.0.9\", \"scikit_learn\"]\n\n[tool.poetry.dependencies]\nloguru = \"^0.7\"\n")}},
		shows:  []string{"ModuleNotFoundError: No module named 'dotenv'", "ModuleNotFoundError: No module named 'pipecat'", "ModuleNotFoundError: No module named 'sklearn'", "ModuleNotFoundError: No module named 'loguru'"},
		misses: []string{"ModuleNotFoundError: No module named 'bot_menu'", "ModuleNotFoundError: No module named 'daily'", "ModuleNotFoundError: No module named 'poetry'"}},
	{say: "The image has only a folder", shows: []string{"ImportError: cannot import name 'rtc' from 'livekit' (unknown location)"}, misses: []string{"ImportError: cannot import name 'rtc' from 'livekit' (/app/livekit/__init__.py)"}},
	{say: "What imports it was made", shows: []string{inLibrary("/x/site-packages/riva/stubs_pb2.py", "ImportError: cannot import name 'runtime_version' from 'google.protobuf' (/x/site-packages/google/protobuf/__init__.py)")}, misses: []string{
		raised("from openai import Menu", "ImportError: cannot import name 'Menu' from 'openai' (/x/site-packages/openai/__init__.py)"),
		inLibrary("/x/site-packages/openai/lib.py", "ImportError: cannot import name 'Menu' from 'openai' (/x/site-packages/openai/__init__.py)"),
	}},
	{say: "Import from the folder", shows: []string{"ImportError: attempted relative import with no known parent package", "ImportError: attempted relative import beyond top-level package"}, misses: []string{"ValueError: attempted relative import of the menu"}},
	{say: "Name `psycopg[binary]`", shows: []string{"ImportError: no pq wrapper available.\nAttempts made:\n- couldn't import psycopg 'c' implementation: No module named 'psycopg_c'"}, misses: []string{"ImportError: no menu wrapper available."}},
	{say: "Add `{1}` to the image's requirements: what", shows: []string{
		"ImportError: email-validator is not installed, run `pip install 'pydantic[email]'`",
		`RuntimeError: Form data requires "python-multipart" to be installed.`,
		"ImportError: This needs Accelerate: `pip install -U accelerate>=0.26.0`",
	}, misses: []string{"RuntimeError: the menu must be installed", "RuntimeError: \"ffmpeg\" must be installed (apt install ffmpeg)", "RuntimeError: run pip install -r requirements.txt", "RuntimeError: run pip uninstall menu", "ImportError: run `pip install git+https://github.com/acme/menu`"}},
	{say: "Require `{1}` in the image's requirements: code", shows: []string{"RuntimeError: The grpc package installed is at version 1.62.1, but the generated code in a_pb2_grpc.py depends on grpcio>=1.71.0. Please upgrade"}, misses: []string{"RuntimeError: The menu package installed is at version 1"}},
	{say: "Name no version of `pydantic-core`", shows: []string{"SystemError: The installed pydantic-core version (2.41.5) is incompatible with the current pydantic version, which requires 2.27.2."}, misses: []string{"SystemError: the installed version is incompatible"}},
	{say: "Pin versions of `torch`", shows: []string{"RuntimeError: operator torchvision::nms does not exist"}, misses: []string{"RuntimeError: operator menu::nms does not exist"}},
	{say: "NumPy no longer has", shows: []string{"AttributeError: module 'numpy' has no attribute 'float'.\n`np.float` was a deprecated alias for the builtin `float`."}, misses: []string{"AttributeError: module 'numpy' has no attribute 'flaot'", "AttributeError: module 'numpy' has no attribute 'float8'"}},
	{say: "A package was compiled for NumPy 1", shows: []string{"RuntimeError: Numpy is not available"}, misses: []string{"RuntimeError: the menu is not available"}},
	{say: "With `apk add`", shows: []string{"ImportError: Error loading shared library libstdc++.so.6: No such file or directory (needed by /x/a.so)"}, misses: []string{"ImportError: Error loading shared library ld-linux-aarch64.so.1: No such file or directory (needed by a.so)", "ImportError: libstdc++.so.6: cannot open shared object file"}},
	{say: "Have the Dockerfile install the system library that is asked for", shows: []string{"Exception: Could not find Opus library. Make sure it is installed.", "OSError: sndfile library not found using ctypes.util.find_library"}, misses: []string{"Exception: could not find the library"}},
	{say: "The model is newer than the `onnxruntime`", shows: []string{"Fail: [ONNXRuntimeError] : 1 : FAIL : Load model from a.onnx failed: Unsupported model IR version: 10, max supported IR version: 9", raised("load()", "onnxruntime.Fail: [ONNXRuntimeError] : 1 : FAIL : Unsupported model IR version: 10")}, misses: []string{"ValueError: unsupported model version: 10"}},
	{say: "Add `tzdata`", shows: []string{"zoneinfo._common.ZoneInfoNotFoundError: 'No time zone found with key Europe/Berlin'"}, misses: []string{"KeyError: 'no time zone'"}},
	{say: "The file has conflict markers", shows: []string{"  File \"/app/bot.py\", line 3\n    <<<<<<< HEAD\n    ^^\nSyntaxError: invalid syntax"}, misses: []string{"  File \"/app/bot.py\", line 3\n    a << b <\n    ^^\nSyntaxError: invalid syntax"}},
	{say: "Python no longer has", shows: []string{"ModuleNotFoundError: No module named 'distutils.util'", "ModuleNotFoundError: No module named 'pyaudioop'"}, misses: []string{"ModuleNotFoundError: No module named 'distutils_menu'"}},
	{say: "The client is older than the `httpx`", shows: []string{"TypeError: __init__() got an unexpected keyword argument 'proxies'"}, misses: []string{"TypeError: scrape() got an unexpected keyword argument 'proxies'"}},
	{say: "Nothing there has a GPU", shows: []string{"RuntimeError: Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False."}, misses: []string{"RuntimeError: Attempting to deserialize the menu"}},

	// Scripts, servers, and files that an agent writes or lacks.
	{say: "`sh` runs a script that", with: code0(2), shows: []string{"/app/start.sh: 3: source: not found", "/app/start.sh: 5: [[: not found", "/app/start.sh: 2: set: Illegal option -o pipefail", "/app/start.sh: 6: Bad substitution"}, misses: []string{"/app/start.sh: 3: sox: not found", "/app/start.sh: line 3: declare: command not found", "/app/start.sh: line 6: ${a.b}: bad substitution", "error: track 3: source: not found"}},
	{say: "`{1}` is a folder", with: code0(126), shows: []string{`runc create failed: unable to start container process: exec: "/app": is a directory: unknown`}, misses: []string{"IsADirectoryError: [Errno 21] Is a directory: '/app'"}},
	{say: "`{1}` is not in the image: have the Dockerfile install", shows: []string{"/usr/bin/env: 'python': No such file or directory", "env: can't execute 'bash': No such file or directory", "/usr/bin/env: ‘node’: No such file or directory", "Command not found: uvicorn"}, misses: []string{"cat: 'env': No such file or directory", "error: Command not found: menu of 3"}},
	{say: wasKilled, with: code0(137), shows: []string{"Loading\nKilled", "/app/start.sh: line 4:     7 Killed                  python bot.py"}, misses: []string{"error: killed the voice"}},
	{say: wasKilled, with: code0(1), shows: []string{"[2026-03-01 10:00:31 +0000] [1] [ERROR] Worker (pid:7) was sent SIGKILL! Perhaps out of memory?"}, misses: []string{"Loading\nKilled", "[2026-03-01 10:00:31 +0000] [1] [ERROR] Worker (pid:7) was sent SIGTERM!"}},
	{say: "The server finds no module", shows: []string{`ERROR:    Error loading ASGI app. Could not import module "main".`}, misses: []string{`ValueError: Could not import module "main"`}},
	{say: "The module has no `{1}`", shows: []string{`ERROR:    Error loading ASGI app. Attribute "app" not found in module "bot".`, "[2026-03-01 10:00:00 +0000] [7] [ERROR] Failed to find attribute 'app' in 'server'."}, misses: []string{`ERROR:    Error loading ASGI app. Import string "bot" must be in format "<module>:<attribute>".`}},
	{say: "Set `\"type\"", shows: []string{"/app/server.js:1\nimport express from 'express';\n^^^^^^\n\nSyntaxError: Cannot use import statement outside a module"}, misses: []string{"SyntaxError: Cannot use the statement"}},
	{say: "The folder for `{1}`", files: fstest.MapFS{"config.json": {}}, shows: []string{
		raised(`with open("/app/out/config.json", "w") as f:`, "FileNotFoundError: [Errno 2] No such file or directory: '/app/out/config.json'"),
		raised(`log = open(path, mode='ab')`, "FileNotFoundError: [Errno 2] No such file or directory: 'logs/bot.log'"),
		"Traceback (most recent call last):\n  File \"/usr/local/lib/python3.12/logging/__init__.py\", line 1231, in _open\n    return open_func(self.baseFilename, self.mode,\nFileNotFoundError: [Errno 2] No such file or directory: '/app/logs/bot.log'\n\nThe above exception was the direct cause of the following exception:\n\n" +
			raised("dictConfig(C)", "  File \"/usr/local/lib/python3.12/logging/__init__.py\", line 1231, in _open\n    return open_func(self.baseFilename, self.mode,\nValueError: Unable to configure handler 'file'"),
	}, misses: []string{
		raised(`with open("/app/config.json") as f:`, "FileNotFoundError: [Errno 2] No such file or directory: '/app/config.json'"),
		raised(`print(open("menu", "rb").read(), "wax")`, "FileNotFoundError: [Errno 2] No such file or directory: 'menu'"),
	}},
	{say: ownFile, files: fstest.MapFS{"config/voices.json": {}, "prompts/system.j2": {}, "static/index.html": {}, "tests/state.json": {}}, shows: []string{
		"Error: ENOENT: no such file or directory, open '/app/config/voices.json'", "RuntimeError: Directory 'static' does not exist",
		raised("find()", "jinja2.exceptions.TemplateNotFound: system.j2"), raised("find()", "jinja2.exceptions.TemplateNotFound: 'system.j2' not found in search path: '/app/prompts'"),
	}, misses: []string{"Error: ENOENT: no such file or directory, open '/app/menu.json'", "RuntimeError: Directory 'public' does not exist", "RuntimeError: Directory 'index.html' does not exist", raised("find()", "jinja2.exceptions.TemplateNotFound: menu.j2"),
		"FileNotFoundError: [Errno 2] No such file or directory: '/tmp/state.json'", "FileNotFoundError: [Errno 2] No such file or directory: '/root/.cache/voices.json'",
		"FileNotFoundError: [Errno 2] No such file or directory: '/x/site-packages/menu/voices.json'"}},
	{say: "`{1}`, which the agent runs", misses: []string{raised("run(tool, cwd=folder)", "  File \"/usr/local/lib/python3.12/subprocess.py\", line 1955, in _execute_child\n    raise child_exception_type(errno_num, err_msg, err_filename)\nFileNotFoundError: [Errno 2] No such file or directory: '/srv/work'")}},
	{say: "`{1}` is a pointer of Git LFS instead of the file: check out with `lfs: true` (`actions/checkout`) before", files: pointers, shows: []string{raised(`v = load("models/vad.onnx")`, "wave.Error: file does not start with RIFF id")}, misses: []string{
		raised(`v = load("models/real.onnx")`, "wave.Error: file does not start with RIFF id"), raised(`v = lod("models/vad.onnx")`, "NameError: name 'lod' is not defined")}},
	{say: "The user that the image runs as may not write or read", shows: []string{"PermissionError: [Errno 13] Permission denied: '/app/bot.log'\n\nThe above exception was the direct cause of the following exception:\n\n" + raised("dictConfig(C)", "ValueError: Unable to configure handler 'file'")}, misses: []string{"PermissionError: [Errno 13] Permission denied: '/app/bot.log'\n\nThe above exception was the direct cause of the following exception:\n\n" + raised("dictConfig(C)", "ValueError: no menu")}},
	{say: secretSet, shows: []string{
		`Error: Format string 'KEY="%(ENV_DAILY_API_KEY)s"' for 'program:bot.environment' contains names ('ENV_DAILY_API_KEY') which cannot be expanded. Available names: ENV_HOME`,
		"2026-05-01 12:00:00.101 | CRITICAL | __main__:main:14 - Missing required configuration: DEEPGRAM_API_KEY",
		"ValueError: ws_url is required, or add LIVEKIT_URL in your environment",
		"PrismaClientInitializationError: \nInvalid `prisma.user.findMany()` invocation:\n\nerror: Environment variable not found: DATABASE_URL.",
	}, misses: []string{"Error: Format string 'x' for 'program:bot.command' contains names ('menu') which cannot be expanded.", "ValueError: add MENU_URL in your order", "ValueError: Missing required configuration: MENU_COLOR"}},
	{say: "A private key has lost", shows: []string{"ValueError: ('Could not deserialize key data. The data may be in an incorrect format', [<OpenSSLError(code=503841036)>])", "ValueError: Unable to load PEM file. See https://cryptography.io/en/latest/faq/ for more details. MalformedFraming"}, misses: []string{"ValueError: could not deserialize the menu"}},
	{say: "The value for `{1}` in the secret set that `secret-set` names is not what the code", shows: []string{raised(`n = int(os.environ.get("PORT", 7860))`, `ValueError: invalid literal for int() with base 10: '"8080"'`)}, misses: []string{raised(`n = json.loads(os.getenv("MENU", "{"))`, "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)")}},
	{say: "The database does not accept", shows: []string{raised("ping()", "pymongo.errors.OperationFailure: bad auth : authentication failed, full error: {'ok': 0}"), inLibrary("/x/site-packages/redis/connection.py", "redis.exceptions.AuthenticationError: Authentication required.")}, misses: []string{inLibrary("/x/site-packages/menus/connection.py", "AuthenticationError: Authentication required.")}},
	{say: "The database takes encrypted", shows: []string{`psycopg2.OperationalError: FATAL:  no pg_hba.conf entry for host "198.51.100.4", user "bot", database "calls", no encryption`}, misses: []string{`psycopg2.OperationalError: FATAL:  no pg_hba.conf entry for host "198.51.100.4", user "bot", database "calls", SSL encryption`}},
	{say: "Write the database's address", shows: []string{"sqlalchemy.exc.NoSuchModuleError: Can't load plugin: sqlalchemy.dialects:postgres"}, misses: []string{"sqlalchemy.exc.NoSuchModuleError: Can't load plugin: sqlalchemy.dialects:menu"}},
	{say: "Name an async driver", shows: []string{"sqlalchemy.exc.InvalidRequestError: The asyncio extension requires an async driver to be used. The loaded 'psycopg2' is not async."}, misses: []string{"sqlalchemy.exc.InvalidRequestError: the driver is not async"}},

	// Builds, too.
	{say: "Write what `COPY`", with: built, shows: []string{"error building image: error building stage: failed to get fileinfo for /workspace/menu: lstat /workspace/menu: no such file or directory"}, misses: []string{"#7 1.2 error: failed to get fileinfo for menu: denied"}},
	{say: "Have the Dockerfile make the user", with: built, shows: []string{"#7 1.2 chown: invalid user: 'bot:bot'", "#7 1.2 chown: unknown user/group bot:bot"}, misses: []string{"#7 1.2 error: invalid user: 'menu'"}},
	{say: "Check how the base image", with: built, shows: []string{"ERROR: failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized"}, misses: []string{"ERROR: failed to authorize: DeadlineExceeded: failed to fetch anonymous token: Get \"https://auth.docker.io/token\": dial tcp 192.0.2.4:443: i/o timeout"}},
	{say: "The network failed", with: built, shows: []string{
		"ERROR: failed to authorize: DeadlineExceeded: failed to fetch anonymous token: Get \"https://auth.docker.io/token\": dial tcp 192.0.2.4:443: i/o timeout",
		"#7 1.2 WARNING: fetching https://dl-cdn.alpinelinux.org/alpine/v3.20/main: temporary error (try again later)\n#7 1.3 ERROR: unable to select packages:\n#7 1.3   ffmpeg (no such package):",
		"#7 1.2 error: RPC failed; curl 92 HTTP/2 stream 5 was not closed cleanly", "ERROR: unexpected status from HEAD request to https://registry-1.docker.io/v2/x: 500 Internal Server Error",
		"#7 1.2 curl: (56) Recv failure: Connection reset by peer",
	}, misses: []string{"#7 1.2 curl: (56) Recv failure: Connection reset by peer\n#7 1.2 Warning: Problem : connection reset. Will retry in 1 second. 3 retries left.\n#7 1.4 error: the menu is wrong", "ERROR: unexpected status from HEAD request to https://x/v2: 404 Not Found"}},
	{say: "The cloud build has no credentials", with: built, shows: []string{"#7 1.2 error: HTTP status client error (401 Unauthorized) for url (https://x/simple)"}, misses: []string{"#7 1.2 E        +  where 401 = <Response [401 Unauthorized]>.status_code"}},
	{say: "The step does not run as `root`", with: built, shows: []string{"#7 1.2 ERROR: Unable to lock database: Permission denied"}, misses: []string{"#7 1.2 ERROR: Unable to lock database: File exists"}},
	{say: "A build has no `.git`", with: built, shows: []string{"#7 1.2 fatal: not a git repository (or any of the parent directories): .git"}, misses: []string{"#7 1.2 error: the menu is not a git repository"}},
	{say: "Regenerate the lock file", with: built, shows: []string{"#7 1.2 Your Pipfile.lock (3a1b2c) is out of date. Expected: (9f8e7d)."}, misses: []string{"#7 1.2 error: the menu is out of date"}},
	{say: "The system's own Python", with: built, shows: []string{"#7 1.2 error: The interpreter at /usr is externally managed, and indicates the following:"}, misses: []string{"#7 1.2 error: the menu is externally managed"}},
	{say: "`{1}` is not for `linux/arm64` or", with: built, shows: []string{"#7 1.2   Unable to find installation candidates for torch (2.2.0+cpu)"}, misses: []string{"#7 1.2 error: unable to find candidates"}},
	{say: "The requirements contradict", with: built, shows: []string{"#7 1.2 ERROR: Double requirement given: loguru==0.7.3 (from -r a.txt (line 4)) (already in loguru==0.7.2 (from -r a.txt (line 2)), name='loguru')"}, misses: []string{"#7 1.2 error: double menu given"}},
	{say: "The package servers of the base image's release", with: built, shows: []string{"#7 1.2 ERROR: unable to select packages:\n#7 1.2   nodejs-20.15.1-r0:\n#7 1.2     breaks: world[nodejs=18.0.0-r0]"}, misses: []string{"#7 1.2     breaks: world[nodejs]"}},
	{say: "Have the Dockerfile `COPY` `{1}` before this step, and see that `.dock", with: built, shows: []string{"#7 1.2 error: Distribution not found at: file:///shared", "#7 1.2 python: can't open file '/app/agent.py': [Errno 2] No such file or directory"}, misses: []string{"#7 1.2 error: Distribution not found at: https://x/shared", "#7 1.2 python: can't open file '/app/agent.py': [Errno 13] Permission denied"}},
	{say: "Have the Dockerfile `COPY` `{1}` before this step, and see that it", with: built, files: fstest.MapFS{"start.sh": {}}, shows: []string{"#7 1.2 chmod: cannot access 'start.sh': No such file or directory", "#7 1.2 sed: can't read /app/start.sh: No such file or directory"}, misses: []string{"#7 1.2 cp: cannot stat 'dist/menu.js': No such file or directory", "#7 1.2 error: start.sh: No such file or directory"}},
	{say: "Have the Dockerfile `COPY` `{1}` before this step, to", with: built, files: own, shows: []string{"#7 1.2 ModuleNotFoundError: No module named 'flows'", "#7 1.2 /usr/local/bin/python: Error while finding module specification for 'flows.menu' (ModuleNotFoundError: No module named 'flows')"}, misses: []string{"#7 1.2 ModuleNotFoundError: No module named 'numpy'"}},
	{say: "The address that this step", with: built, shows: []string{"#7 1.2 curl: (22) The requested URL returned error: 404", "#7 1.2 2026-01-01 00:00:00 ERROR 404: Not Found.", "#7 1.2 wget: server returned error: HTTP/1.1 404 Not Found", "#7 1.2   ERROR: HTTP error 404 while getting https://x/a.whl"}, misses: []string{"#7 1.2 curl: (22) The requested URL returned error: 503", "#7 1.2 error: GET /menu 404 Not Found"}},
	{say: "What this step unpacks", with: built, shows: []string{"#7 1.2 gzip: stdin: not in gzip format\n#7 1.2 tar: Child returned status 1", "#7 1.2 tar: This does not look like a tar archive"}, misses: []string{"#7 1.2 tar: menu: Cannot open: No such file or directory"}},
	{say: "Add `--system`", with: built, shows: []string{"#7 1.2 error: No virtual environment found; run `uv venv` to create an environment, or pass `--system` to install into a non-virtual environment"}, misses: []string{"#7 1.2 error: no environment found"}},
	{say: "The `pyproject.toml` in the image", with: built, shows: []string{"#7 1.2 error: Group `prod` is not defined in the project's `dependency-groups` table", "#7 1.2 error: Extra `cpu` is not defined in the project's `optional-dependencies` table", "#7 1.2 Group(s) not found: dev (via --without)", "#7 1.2 Extra [cpu] is not specified."}, misses: []string{"#7 1.2 error: group of the menu not found"}},
	{say: "Write `poetry install --no-root`", with: built, shows: []string{"#7 1.2 Error: The current project could not be installed: No file/folder found for package my-bot"}, misses: []string{"#7 1.2 error: no folder found for menu"}},
	{say: "Have the Dockerfile install the version of Poetry", with: built, shows: []string{"#7 1.2 The lock file is not compatible with the current version of Poetry."}, misses: []string{"#7 1.2 error: the file is not compatible with the menu"}},
	{say: "Have the Dockerfile install a version of uv", with: built, shows: []string{"#7 1.2 error: Required uv version `>=0.8` does not match the running version `0.5.1`", "#7 1.2 error: Failed to parse `uv.lock`, which uses an unsupported schema version (v2, but only v1 is supported)."}, misses: []string{"#7 1.2 error: Failed to parse `uv.lock`"}},
	{say: "The program has no option", with: built, shows: []string{"#7 1.2 no such option: --break-system-packages", "#7 1.2 E: Command line option --no-install-recomends is not understood in combination with the other options", "#7 1.2 error: unexpected argument '--frozzen' found"}, misses: []string{"#7 1.2 error: no such option in the menu: 3"}},
	{say: "The base image's system has installed", with: built, shows: []string{"#7 1.2 ERROR: Cannot uninstall blinker 1.7.0, RECORD file not found. Hint: The package was installed by debian.", "#7 1.2 ERROR: Cannot uninstall 'PyYAML'. It is a distutils installed project and thus we cannot accurately determine which files belong to it"}, misses: []string{"#7 1.2 error: cannot uninstall the menu"}},
	{say: "A package, or its `setuptools`", with: built, shows: []string{"#7 1.2       AttributeError: module 'pkgutil' has no attribute 'ImpImporter'. Did you mean: 'zipimporter'?"}, misses: []string{"#7 1.2 AttributeError: module 'menu' has no attribute 'ImpImporter'"}},
	{say: "Name `psycopg2-binary`", with: built, shows: []string{"#7 1.2 Error: pg_config executable not found."}, misses: []string{"#7 1.2 error: pg_menu not found"}},
	{say: "Have the Dockerfile install `pkg-config`", with: built, shows: []string{"#7 1.2 Package libavformat was not found in the pkg-config search path.", "#7 1.2 Package 'libavformat', required by 'virtual:world', not found", "#7 1.2 No package 'opus' found", "#7 1.2 /usr/bin/ld: cannot find -lportaudio: No such file or directory\n#7 1.3 ERROR: Failed building wheel for pyaudio", "#7 1.2 Command 'pkg-config --exists mysqlclient' returned non-zero exit status 1."}, misses: []string{"#7 1.2 error: package menu not found", "#7 1.2 ld: cannot find the menu"}},
	{say: "Have the Dockerfile install `{1}` before this step, or take", with: built, shows: []string{"#7 1.2 error: command 'swig' failed: No such file or directory\n#7 1.3 ERROR: Failed building wheel for x", "#7 1.2 pkg-config is required for building PyAV"}, misses: []string{"#7 1.2 error: command 'gcc' failed: No such file or directory", "#7 1.2 error: command 'swig' failed with exit code 1"}},
	{say: "Have the Dockerfile install `setuptools` and", with: built, shows: []string{"#7 1.2 error: invalid command 'bdist_wheel'\n#7 1.3 ERROR: Failed building wheel for x"}, misses: []string{"#7 1.2 error: invalid command 'menu'"}},
	{say: "The package is too old for the CMake", with: built, shows: []string{"#7 1.2   Compatibility with CMake < 3.5 has been removed from CMake.\n#7 1.3 ERROR: Failed building wheel for x"}, misses: []string{"#7 1.2   Compatibility with CMake < 3.10 will be removed from a future version of CMake.\n#7 1.3 ERROR: Failed building wheel for x"}},
	{say: "Correct `{1}` in `pyproject.toml`", with: built, shows: []string{"#7 1.2 ValueError: invalid pyproject.toml config: `project.license`.\n#7 1.3 error: metadata-generation-failed"}, misses: []string{"#7 1.2 ValueError: invalid config: `project.license`"}},
	{say: "The base image has a user or", with: built, shows: []string{"#7 1.2 useradd: UID 1000 is not unique", "#7 1.2 groupadd: GID '1000' already exists", "#7 1.2 addgroup: gid '1000' in use"}, misses: []string{"#7 1.2 useradd: user 'app' already exists", "#7 1.2 error: the id is not unique"}},
	{say: "What is installed needs a newer Rust", with: built, shows: []string{"#7 1.2 feature `edition2024` is required\n#7 1.3 ERROR: Failed building wheel for x", "#7 1.2 error: package `icu_provider v2.0.0` cannot be built because it requires rustc 1.82 or newer, while the currently active rustc version is 1.63.0"}, misses: []string{"#7 1.2 error: requires the menu 1.82 or newer"}},
	{say: "`RUN` calls `sh`", with: built, shows: []string{"#7 1.2 /bin/sh: 1: source: not found", "#7 1.2 /bin/sh: 1: set: Illegal option -o pipefail", "#7 1.2 /bin/sh: 1: Bad substitution"}, misses: []string{"#7 1.2 /bin/sh: 1: sox: not found", "#7 1.2 /bin/sh: source: not found"}},
	{say: "The package is for NVIDIA's CUDA", with: built, misses: []string{"#7 1.2 -- Could NOT find CUDA (missing: CUDA_NVCC)\n#7 1.3 a.c:1:10: fatal error: opus.h: No such file or directory"}},

	// How it ended otherwise.
	{say: "Look into the agent's log", with: refused, shows: []string{"PCC_UNKNOWN_ERROR: no"}, misses: []string{"PCC_UNKNOWN: no"}},
	{say: "The platform has an infrastructure problem", with: crash{Reason: verdict.Infrastructure}, shows: []string{""}},
	{say: "The platform has an infrastructure problem", with: refused, misses: []string{"trouble"}},
	{say: "The agent is serving calls, but", with: crash{Reason: verdict.NotReady, Cause: verdict.TooFewReplicas}, shows: []string{""}},
	{say: "The agent is serving calls, but", with: crash{Reason: verdict.NotReady}, misses: []string{""}},
	{say: "The platform never started", with: crash{Reason: verdict.NotScheduled}, shows: []string{""}},
	{say: "The platform never started", with: crash{Reason: verdict.NotReady}, misses: []string{""}},
	{say: "Raise `build-timeout`", with: crash{Reason: verdict.Build, Cause: verdict.BuildStillRunning}, shows: []string{""}},
	{say: "Raise `build-timeout`", with: built, misses: []string{"it did not end"}},
}

func (h hintText) facts(text string) Facts {
	c := h.with
	c.Text = text
	return c.facts()
}

// TestHintTexts holds each hint to the texts that show it and to near misses, of which
// it must have both.
func TestHintTexts(t *testing.T) {
	shown, missed, positive, negative := map[string]bool{}, map[string]bool{}, 0, 0
	for _, h := range hintTexts {
		of := slices.IndexFunc(hints, func(row hint) bool { return strings.HasPrefix(row.say, h.say) })
		if of < 0 {
			t.Errorf("no hint begins with %q", h.say)
			continue
		}
		entry := func(text string) string { return Diagnose(h.facts(text), h.files).entry }
		for _, text := range h.shows {
			positive++
			if got := entry(text); !strings.HasPrefix(got, h.say) {
				t.Errorf("%q: got %q, want %q", text, got, h.say)
			}
		}
		for _, text := range h.misses {
			negative++
			if got := entry(text); strings.HasPrefix(got, h.say) {
				t.Errorf("%q must not have %q", text, got)
			}
		}
		shown[hints[of].say], missed[hints[of].say] = shown[hints[of].say] || len(h.shows) > 0, missed[hints[of].say] || len(h.misses) > 0
	}
	for _, row := range hints {
		if !shown[row.say] || !missed[row.say] {
			t.Errorf("no text that shows it, or no near miss: %q", row.say)
		}
	}
	t.Logf("%d hints, %d texts that show them, %d near misses", len(hints), positive, negative)
}
