package diagnosis

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strings"

	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/untrusted"
	"pipecat-cloud-deploy/internal/verdict"
)

// variableName is the name of a variable of the environment: in capitals, with an
// underscore. secretName is that of a secret.
const (
	variableName = `[A-Z][A-Z\d]*(?:_[A-Z\d]+)+`
	secretName   = `[A-Z][A-Z\d]*(?:_[A-Z\d]+)*_(?:KEY|TOKEN|SECRET|SID|DSN|PASSWORD)`
)

// bashOnly is what sh says of a script with what Bash alone knows.
const bashOnly = `^\S+: \d+: (?:(?:source|pushd|popd|declare|shopt|mapfile|readarray|\[\[): not found|(?:set: )?Illegal option -o pipefail|Bad substitution)$`

// platformHints are for what the platform says of a deployment.
var platformHints = []hint{
	// Secrets.
	{platform: true, message: re(`illegal base64 data`), say: "The image pull secret that `image-credentials` names does not hold base64: make it again from `user:password` encoded so, or let `pipecat cloud secrets image-pull-secret` do that."},
	{platform: true, message: re(`(?i)image pull secret.* is in region`), say: strings.ReplaceAll(elsewhere, "{1}", "image-credentials")},
	{platform: true, message: re(`(?i)secret set\b.* is in region`), say: strings.ReplaceAll(elsewhere, "{1}", "secret-set")},
	{platform: true, message: re(`(?i)image pull secret.* not found`), say: "Make the image pull secret that `image-credentials` names, in the agent's region, or correct the name."},
	{platform: true, message: re(`(?i)couldn't find key ([\w.-]+) in secret\b|references non-existent secret key: ([\w.-]+)`), say: "Put `{1}` into the secret set that `secret-set` names: the set has no such key."},
	{platform: true, message: re(`(?i)secret set\b.* not found|^secret "[^"]*" not found|: secret "[^"]*" not found`), say: "Make the secret set that `secret-set` names, in the agent's region, or correct the name."},
	{platform: true, message: re(`(?i)secret set\b.*(?:not (?:yet )?ready|pending)`), say: "The secret set is still being made, which usually takes seconds: deploy again, and check it in the dashboard, https://pipecat.daily.co, if that does not help."},
	{platform: true, message: re(`(?i)secret set\b.*(?:could not be provisioned|\bfailed\b)`), say: "The platform could not make the secret set: delete it, make it again, and see that `secret-set` or `image-credentials` names the new one."},

	// The platform's error codes, https://docs.pipecat.ai/pipecat-cloud/fundamentals/error-codes
	{code: "PCC-1002", say: "An agent is started with a Public key, and deployed with a Private one: make the one that is missing under API keys in the dashboard, https://pipecat.daily.co."},
	{code: "PCC-1004", say: billing},
	{code: "PCC_IMAGE_NOT_FOUND", say: noImage},
	{code: "PCC_IMAGE_PULL_UNAUTHORIZED", say: noAccess},
	{code: "PCC_IMAGE_TOO_LARGE", say: tooLarge},
	{code: "PCC_IMAGE_PULL_RATE_LIMIT", say: rateLimit},
	{code: "PCC_INVALID_IMAGE_PLATFORM", say: platform},
	{code: "PCC_IMAGE_PULL_UNKNOWN_ERROR", say: "Check `image` and `image-credentials` by pulling the image elsewhere with the same credentials, and ask the platform's support if that works: " + errorCodes + "."},

	// Images, as registries and Kubernetes speak of them.
	{reason: verdict.ImagePlatform, say: platform},
	{platform: true, reason: verdict.ImagePull, message: re(`(?i)toomanyrequests|too many requests|rate limit`), say: rateLimit},
	{platform: true, reason: verdict.ImagePull, message: re(`(?i)too large|no space left`), say: tooLarge},
	{platform: true, reason: verdict.ImagePull, message: re(`(?i)no match(?:ing manifest)? for (?:platform|linux)`), say: platform},
	{platform: true, reason: verdict.ImagePull, message: re(`(?i)unauthori[sz]ed|denied|forbidden|authentication required|no basic auth`), say: noAccess},
	{platform: true, reason: verdict.ImagePull, message: re(`(?i)invalid reference|couldn't parse image|InvalidImageName`), say: "Write `image` as `registry/name:tag`, in lower case and without `https://`."},
	{reason: verdict.ImagePull, say: noImage},
	{platform: true, message: re(`(?i)\bbilling\b`), reason: verdict.Refused, say: billing},

	// Memory.
	{reason: verdict.OutOfMemory, say: memory},
}

// startHints are for images that are built, and do not start.
var startHints = []hint{
	// Native code, which has words of other kinds of failure.
	{message: re(`cannot allocate memory in static TLS block`), say: "Import the package that loads this library before all others, or preload the library in the Dockerfile (`ENV LD_PRELOAD=` and its path): the space for thread-local data was used up by what was imported first."},
	{message: re("version .(GLIBC(?:XX)?_[\\d.]+|CXXABI_[\\d.]+|GCC_[\\d.]+). not found"), say: "A binary needs `{1}`, and the image's system is older: take a newer base image, or an older version of the package."},
	{message: re(`cannot enable executable stack`), say: "The image's system no longer loads a library that asks for an executable stack: take a newer version of the package, or an older base image, such as one of Debian 12 (`-bookworm`)."},
	{message: re(`wrong ELF class|invalid ELF header|\bx86_64-linux-gnu\.so\b|\bld-linux-x86-64`), say: "A native library in the image is built for another architecture: have the package installed while the image is built for `linux/arm64`, and copy no libraries or virtual environment into it."},
	{message: re(`Error loading shared library (?:ld-linux|libc\.)|Error relocating \S+: `), say: "A binary is built for another C library: take wheels and a base image that fit together, such as a Debian one (`-slim`) instead of Alpine."},
	{message: re(`Error loading shared library (\S+\.so[.\d]*): No such file`), say: "With `apk add`, have the Dockerfile install the system library `{1}`, as `libstdc++` brings those of C++."},
	{message: re(`libcu(?:da|dart|blas|dnn|rand|fft|solver|sparse|pti)|libnv(?:rtc|idia|JitLink|ToolsExt)|libnccl|lib(?:torch|c10)_cuda|CUDA_HOME|Found no NVIDIA driver|No CUDA GPUs|not compiled with CUDA|on a CUDA device but|CUDA (?:driver|out of memory)`), say: "Nothing there has a GPU: install the CPU build of the package, without CUDA, and let the code choose the CPU."},
	{message: re(`-packages/\S*?([\w.+-]+\.so[.\d]*): cannot open shared object file`), say: notWhole},
	{message: re(`([\w.+-]+\.so[.\d]*): cannot open shared object file`), say: "Have the Dockerfile install the system library that has `{1}`.", tell: systemLibrary},
	{message: re(`Importing the numpy C-extensions failed|_multiarray_umath`), say: "NumPy was installed for another Python or processor: have it installed while the image is built for `linux/arm64`, and copy no virtual environment into the image."},
	{message: re(`\.so[.\d]*: undefined symbol: `), say: "A native library does not fit the one that loads it: pin versions of both packages that were made for each other, and have them installed while the image is built."},
	{message: re(`operator torchvision::\w+ does not exist`), say: "Pin versions of `torch` and `torchvision` that were made for each other."},
	{typ: re(`^AttributeError$`), message: re(`^module 'numpy' has no attribute '(float|int|bool|object|complex|str)'\.`), say: "NumPy no longer has `np.{1}`: write `{1}` in your code, and take a newer version of a package whose code has it."},
	{message: re(`_ARRAY_API not found|compiled using NumPy 1|numpy\.core\.multiarray failed to import|numpy\.dtype size changed|numpy\.ndarray size changed|was removed in the NumPy 2|^Numpy is not available$`), say: "A package was compiled for NumPy 1: pin `numpy<2` in the requirements, or take a version of the package that was made for NumPy 2."},

	// The image's command.
	{typ: none, message: re(`[\w./-]\\r['"]|\$'[^']*\\r'|\^M\b`), say: "The script has line endings of Windows (CRLF): save it with LF, for instance by `*.sh text eol=lf` in `.gitattributes`."},
	{runtime: true, typ: none, message: re(`([\w./-]+\.(?:sh|bash|py))"?(?: failed)?: (?:not found|[Nn]o such file or directory)`), when: hasWindowsLines, say: "The script has line endings of Windows (CRLF): save it with LF, for instance by `*.sh text eol=lf` in `.gitattributes`."},
	{runtime: true, typ: none, message: re(`(?i)(\S+\.(?:sh|bash|py))(?: failed)?: exec format error|exec format error.*?(\S+\.(?:sh|bash|py))`), when: hasNoShebang, say: "The first line of `{1}` must name its interpreter, such as `#!/bin/sh`, or `CMD` must (`CMD [\"sh\", \"{1}\"]`)."},
	{runtime: true, typ: re(`^(?:OSError)?$`), message: re(`(?i)exec format error`), say: platform},
	{runtime: true, typ: none, message: re(`exec (/\S+\.(?:sh|bash|py)): no such file or directory|^(?:\[dumb-init\] )?(\.{0,2}/\S+\.(?:sh|bash|py)): No such file or directory$|^\[FATAL tini \(\d+\)\] exec (\S+) failed: No such file`), say: "`{1}` is not in the image, or the interpreter that its first line names is not, as in a script with line endings of Windows (CRLF)."},
	{typ: none, message: re(bashOnly), say: "`sh` runs a script that is written for Bash: have its first line or `CMD` name `bash`, which the image must have."},
	{runtime: true, typ: none, message: re(`exec: "([^"]+)": is a directory`), say: "`{1}` is a folder: name a program in `CMD` or `ENTRYPOINT`."},
	{typ: none, message: re(`: '?\[["']?([\w./-]+)["']?,: (?:command )?not found$`), say: "Write `CMD` and `ENTRYPOINT` as lists with double quotes, each item in its own (`CMD [\"{1}\", \"bot.py\"]`): the shell got the list as it is."},
	{typ: none, message: re(`(/\S*venv/bin/[\w.-]+): (?:bad interpreter: No such file|cannot execute: required file not found)`), say: "The virtual environment with `{1}` was made elsewhere: have the Dockerfile create it at the path and with the Python that the agent runs with, and keep `.venv` out by `.dockerignore`."},
	{runtime: true, typ: none, message: re(`exec: "([^"]+)": (?:executable file not found|stat .*no such file|no such file)|exec: "?([\w./-]+)"?: (?:not found|No such file)|^\S+: (?:line )?\d+: ([\w./+-]+): (?:command )?not found$|spawnerr: can't find command '([^']+)'|Failed to spawn: \W(\S+)\W Caused by: No such file|^Command not found: (\S+)$|^(?:\S*/)?env: (?:can't execute )?['‘]([\w.+-]+)['’]: No such file`), say: "`{1}` is not in the image: have the Dockerfile install it, or correct `CMD`, `ENTRYPOINT` or the script that calls it."},
	{runtime: true, typ: none, message: re(`exec:? "?([\w./-]+)"?(?: failed)?: [Pp]ermission denied|^(?:\[dumb-init\] )?(\.{0,2}/\S+): Permission denied$|(?:sh|bash): (?:line )?\d+: (\S+): Permission denied`), say: "`{1}` may not be executed: set the flag in the repository (`git update-index --chmod=+x`), or in the Dockerfile (`RUN chmod +x`)."},

	// Memory.
	{typ: memoryTypes, not: re(`(?i)cuda|gpu`), say: memory},
	{message: re(`std::bad_alloc|JavaScript heap out of memory|DefaultCPUAllocator: can't allocate memory|\[Errno 12\] Cannot allocate memory`), say: memory},
	{exits: []int{137}, silent: true, say: wasKilled},
	{exits: []int{137}, message: re(`^Killed$|: line \d+: +\d+ Killed\b`), say: wasKilled},
	{typ: none, message: re(`was sent SIGKILL! Perhaps out of memory\?`), say: wasKilled},

	// Python.
	{typ: re(`^(?:ImportError|ModuleNotFoundError|AttributeError)$`), message: re(`^cannot import name 'bot' from 'bot'|^No module named 'bot'$|^module 'bot' has no attribute 'bot'|^Could not find 'bot' function`), say: noBot},
	{message: re(`can't open file '/app/bot\.py'`), say: noBot},
	{typ: none, message: re(`can't open file '([^']+)'|(?:^|/)(?:ba|da)?sh: (?:\d+: )?(?:cannot|can't) open '?([^':]+)'?(?:: No such file.*)?$|^(?:/\S*/)?(?:ba)?sh: ([./]\S*\.(?:sh|bash)): No such file or directory$`), say: "`{1}` is not in the image: have the Dockerfile copy it there, or correct `CMD`."},
	{typ: none, message: re(`^Error loading ASGI app\. Could not import module "([\w.]+)"`), say: "The server finds no module `{1}`: have the Dockerfile copy it to the folder in which the server starts, or correct its name in `CMD`."},
	{typ: none, message: re(`^Error loading ASGI app\. Attribute "(\w+)" not found in module|^Failed to find attribute '(\w+)' in '`), say: "The module has no `{1}`: correct the name behind the colon in `CMD`, as it must be that of the application in the code."},
	{typ: re(`^(?:ImportError|ModuleNotFoundError|AttributeError|TypeError)$`), message: re(`consider renaming '[^']*?([^/']+)'|No module named '[\w.]+'; '(\w+)' is not a package`), say: "Rename your `{1}`: it has the same name as a module that is imported, which Python finds there instead."},
	{typ: re(`^AttributeError$`), message: re(`^module '(\w+)' has no attribute '\w+'$`), when: hidesLibrary, say: "Rename your `{1}`: it has the same name as a module that is imported, which Python finds there instead."},
	{typ: re(`^(?:ImportError|AttributeError)$`), message: re(`partially initialized module '(\w+)'`), when: importsItself, say: "Rename your `{1}.py`: it has the same name as the package that it imports, and so imports itself."},
	{message: re(`most likely due to a circular import`), say: "Two of your modules import each other: import one of them inside the function that needs it, or move what both need to a third."},
	{message: re(`No module named '(krisp_audio)'`), say: "Have the Dockerfile install the wheel of `{1}` for `linux/arm64` and the base image's Python, which Krisp's developer portal has: no extra of `pipecat-ai` brings it."},
	{message: re(`^Missing module(?:\(s\))?: No module named '([\w.]+)'`), tell: extraOf, say: noExtra},
	{typ: re(`^ModuleNotFoundError$`), message: re(`^No module named '([\w.]+)'$`), when: inFramework, tell: extraOf, say: noExtra},
	{message: re(`No module named '?pkg_resources\b`), say: "Add `setuptools<81` to the image's requirements: it has `pkg_resources`, which newer images and versions do not bring."},
	{message: re(`No module named '?(distutils|imp|asyncore|asynchat|smtpd|(?:py)?audioop|cgi|telnetlib|pipes|crypt|imghdr|sndhdr|aifc|sunau|chunk|xdrlib|uu|nntplib|msilib)\b(?:\.[\w.]+)?'?$`), say: "Python no longer has `{1}`: use a version of what imports it that goes without, or a base image with an older Python.", tell: successor},
	{message: re(`No module named '?(_?(?:ctypes|tkinter|sqlite3|ssl|bz2|lzma|curses|hashlib|posixshmem)|readline)\b'?$`), say: "The image's Python was built without `{1}`: take an official `python` base image, or install the system's package for it."},
	{message: re(`'([\w.]+)' is a package and cannot be directly executed`), say: "Name a module of `{1}` in `CMD`, as in `python -m {1}.main`, or add a `__main__.py` to it."},
	{typ: re(`^ModuleNotFoundError$`), message: re(`^No module named '(\w+(?:\.\w+)*\.\w+)'$`), when: ofItsNative, say: notWhole},
	{typ: re(`^ImportError$`), message: re(`^cannot import name '_\w+' from '(\w+)' \(/|^cannot import name '\w+' from '([\w.]+\._\w+)' \(/`), when: ofItsOwn, say: notWhole},
	{message: re(`No module named '((?:` + shared + `)\.[\w.]+)'`), say: "Name the package that has `{1}` in the image's requirements, or the version of it that does.", tell: packageOf},
	{message: re(`No module named '?(\w+\.[\w.]+)`), when: isOwn, say: ownModule},
	{message: re(`No module named '?((\w+)\.[\w.]+)`), say: "The version that the image installs has no `{1}`: pin the version of its package that your code was written for, or change the import."},
	{message: re(`No module named '?([\w.-]+)`), when: isOwn, say: ownModule},
	{typ: re(`^ModuleNotFoundError$`), message: re(`^No module named '(\w+)'$`), when: isRequired, say: "`{1}` is among your requirements, but not where the agent's Python looks: have the Dockerfile install them, and start the agent with the Python that it installs them for (`uv run`, or the `bin` of the virtual environment in `PATH`)."},
	{message: re(`No module named '?([\w.-]+)`), say: "Add the package that has `{1}` to the image's requirements, or if it is your own, have the Dockerfile copy it into the image.", tell: packageOf},
	{typ: re(`^ImportError$`), message: re(`cannot import name '?\w+'? from '?(\w+)'? \(`), not: re(`-packages/|/lib/python\d`), when: shadows, say: "Rename your `{1}.py`: it has the same name as a module that is imported, which Python finds there instead."},
	{typ: re(`^ImportError$`), message: re(`cannot import name '\w+' from '([\w.]+)' \(/\S*/lib/python\d[\d.]*/[\w./]+\)$`), not: re(`-packages/|partially initialized`), say: "The image's Python has no such name in `{1}`: check how it is spelled, and whether the code was written for a newer or an older Python than the base image's."},
	{typ: re(`^ImportError$`), message: re(`^cannot import name '\w+' from '([\w.]+)' \(unknown location\)`), say: "The image has only a folder `{1}` without an `__init__.py`: install the package of that name, have the Dockerfile copy all of the folder if it is yours, or rename it where it hides the package."},
	{typ: re(`^ImportError$`), message: re(`^cannot import name '\w+' from '([\w.]+)' \(/.*-packages/`), when: forLibrary, say: "What imports it was made for another version of `{1}` than the image installs: pin versions of both that fit together."},
	{typ: re(`^ImportError$`), message: re(`cannot import name '?[\w.]+'? from '?([\w.-]+).*-packages/`), say: noName, tell: versionOf},
	{typ: re(`^ImportError$`), message: re(`cannot import name '?([\w.]+)`), say: "Check the spelling of `{1}`, and that the image has the module as it is in your repository."},
	{typ: re(`^ImportError$`), message: re(`^attempted relative import `), say: "Import from the folder in which the agent starts (`from flows import menu`, without leading dots), or start the agent as a module of its package (`python -m`): Python knows of no package around this file."},
	{typ: re(`^ImportError$`), message: re(`^no pq wrapper available`), say: "Name `psycopg[binary]` instead of `psycopg` in the image's requirements, or have the Dockerfile install `libpq5`."},
	{typ: re(`(?:Error|Exception)$`), message: re(`\bpip3? install (?:--?[Uu]\w* )?['"]?([A-Za-z][\w.-]*\w(?:\[[\w,-]+\])?(?:[<>=~!]=?\d[\w.]*)?)(?:[^\w+/@:]|$)|"([\w-]+)" (?:module )?(?:must|to) be installed\b`), not: re(`(?i)ffmpeg|\b(?:apt|apt-get|apk|brew) `), say: "Add `{1}` to the image's requirements: what the agent uses needs it."},
	{typ: re(`^RuntimeError$`), message: re(`^The grpc package installed is at version .* depends on (grpcio>=[\d.]*\d)`), say: "Require `{1}` in the image's requirements: code in the image was generated for that version."},
	{typ: re(`^SystemError$`), message: re(`^The installed pydantic-core version .* is incompatible`), say: "Name no version of `pydantic-core` in the requirements: `pydantic` brings the one that it needs."},
	{typ: re(`^PydanticImportError$`), message: re("`BaseSettings` has been moved"), say: "Add `pydantic-settings` to the requirements and import `BaseSettings` from there, or pin `pydantic<2`."},
	{typ: re(`^TypeError$`), message: re(`__init__\(\) got an unexpected keyword argument 'proxies'`), say: "The client is older than the `httpx` that is installed: take a newer version of the client, or pin `httpx<0.28` in the requirements."},

	{typ: re(`^SyntaxError$`), source: re(`^(?:<{7}|={7}|>{7})(?: |$)`), say: "The file has conflict markers of Git: settle the merge, and commit it."},
	{typ: re(`^TypeError$`), message: re(`^unsupported operand type\(s\) for \|: '(?:type|ABCMeta)' and '(?:type|NoneType|ABCMeta)'$`), say: "The image's Python is older than 3.10, which this code is written for: take a newer base image."},
	{typ: re(`^TypeError$`), message: re(`^Descriptors cannot be created directly`), say: "A package was generated for an older `protobuf`: pin `protobuf<4` in the requirements, or take a newer version of the package."},
	{typ: re(`^VersionError$`), message: re(`incompatible Protobuf Gencode/Runtime versions.*?gencode ([\d.]+)`), say: "A package was generated for `protobuf` {1}, and another version is installed: require at least that one, or take an older version of the package."},

	// Node.
	{typ: re(`^SyntaxError$`), message: re(`^Cannot use import statement outside a module`), say: "Set `\"type\": \"module\"` in the `package.json` that the Dockerfile copies, or have the build turn the code into CommonJS."},
	{message: re(`Cannot find (?:module|package) '([^'./][^']*)'`), say: "Have the Dockerfile install `{1}` (`npm ci`), and see that `package.json` lists it under `dependencies`."},
	{message: re(`Cannot find module '([^']+)'`), say: "Have the Dockerfile copy or build `{1}`, and check `CMD`."},

	// Files and data.
	{message: re(`([\w./-]+\.(?:onnx|pth?|bin|wav|mp3|safetensors|gguf|npz|zip|tflite|model|pkl))\b`), when: isPointer, say: "`{1}` is a pointer of Git LFS instead of the file: check out with `lfs: true` (`actions/checkout`) before the image is built."},
	{message: re(`CERTIFICATE_VERIFY_FAILED`), not: re(`has expired|not yet valid|mismatch|not valid for`), say: "The image does not know who signed the server's certificate: have the Dockerfile install `ca-certificates`, or the authority's own certificate."},
	{message: re(`(Could not find Opus library|failed to find libmagic|sndfile library not found|espeak not installed on your system)`), say: "Have the Dockerfile install the system library that is asked for.", tell: askedFor},
	{message: re(`Unsupported model IR version: `), say: "The model is newer than the `onnxruntime` in the image: require a newer version of it, or export the model for an older one."},
	{typ: re(`^ZoneInfoNotFoundError$`), say: "Add `tzdata` to the image's requirements, which has the time zones, and check how this one is spelled."},
	{message: re(`PortAudio library not found`), say: "Have the Dockerfile install the system library for PortAudio (`apt-get install libportaudio2`), or leave out what plays and records sound on the machine itself, which has no sound card."},
	{message: re(`Invalid (?:input|output) device|No Default (?:Input|Output) Device|Error querying device -1`), say: "Leave out what plays and records sound on the machine itself, such as `LocalAudioTransport`: an agent has no sound card."},
	{typ: re(`(?:Error|Exception|Fail|InvalidProtobuf)$`), not: re(`^(?:FileNotFound|Permission|Name|Type|Attribute|Key|Index|Import|ModuleNotFound)Error: `), when: opensPointer, say: "`{1}` is a pointer of Git LFS instead of the file: check out with `lfs: true` (`actions/checkout`) before the image is built."},
	{message: re(`git-lfs\.github\.com|invalid load key, 'v'|HeaderTooLarge|\bINVALID_PROTOBUF\b`), say: "The file is likely a pointer of Git LFS instead of its content: check out with `lfs: true` (`actions/checkout`) before the image is built."},
	{message: re(`nltk\.download\('([\w-]+)'\)`), say: "Have the Dockerfile download the data while the image is built: `RUN python -m nltk.downloader {1}`."},
	{message: re(`\[E050\] Can't find model '([\w-]+)'`), say: "Have the Dockerfile download the model while the image is built: `RUN python -m spacy download {1}`."},
	{typ: re(`^Error$`), message: re(`unsupported locale setting`), say: "The image does not have this locale: have the Dockerfile generate it (`apt-get install locales`), or use `C.UTF-8`."},
	{typ: none, message: re(`^node: (\.env\S*): not found$`), say: "`{1}` is not in the image, to which no secrets belong: keep its values in the secret set that `secret-set` names, which the agent has in its environment."},
	{typ: re(`^FileNotFoundError$`), message: re(`: '(?:[^']*/)?(\.env(?:\.\w+)?)'$`), say: "`{1}` is not in the image, to which no secrets belong: keep its values in the secret set that `secret-set` names, which the agent has in its environment."},

	{typ: re(`^FileNotFoundError$`), message: re(`\[Errno 2\] No such file or directory: '([\w./+-]+)'`), when: isCommand, say: "`{1}`, which the agent runs, is not in the image: have the Dockerfile install it."},
	{typ: re(`^(?:FileNotFoundError|ValueError)$`), message: re(`(?:^|Caused by: FileNotFoundError: )\[Errno 2\] No such file or directory: '([^']+)'`), when: isWritten, say: "The folder for `{1}` is not in the image: have the code make it first (`os.makedirs`), or write to a folder such as `/tmp`."},
	{typ: re(`^FileNotFoundError$`), message: re(`\[Errno 2\] No such file or directory: '([^']+)'`), when: isOwnFile, say: ownFile},
	{typ: re(`^Error$`), message: re(`^ENOENT: no such file or directory, open '([^']+)'`), when: isOwnFile, say: ownFile},
	{typ: re(`^TemplateNotFound$`), message: re(`^'?([\w./-]+)`), when: isOwnFile, say: ownFile},
	{typ: re(`^RuntimeError$`), message: re(`^Directory '([^']+)' does not exist$`), when: isOwnFolder, say: ownFile},
	{message: re(`\bNO_SUCHFILE : Load model from (\S+) failed`), when: isOwnFile, say: ownFile},
	{typ: re(`^FileNotFoundError$`), message: re(`: '([^']+\.json)'$`), frame: re(`/google/(?:oauth2/service_account|auth/_service_account_info|auth/_default)\.py$`), say: "`{1}` is not in the image, to which no credentials belong: keep its content in the secret set that `secret-set` names, and have the agent read it from there."},
	{typ: re(`^FileNotFoundError$`), message: re(`(?i): '([^']*(?:credential|service[-_]?account|gcloud|client_secret|google)[^']*\.json)'`), say: "`{1}` is not in the image, to which no credentials belong: keep its content in the secret set that `secret-set` names, and have the agent read it from there."},

	// What the environment lacks.
	{typ: re(`^KeyError$`), message: re(`^'(\w+)'$`), when: isOfEnvironment, say: secretSet},
	{typ: re(`^KeyError$`), message: re(`^'(` + secretName + `)'$`), source: re(`(?i)env|settings|secrets`), say: secretSet},
	{typ: re(`^KeyError$`), message: re(`^'(` + secretName + `)'$`), when: hasNoFrames, say: secretSet},
	{session: true, message: re(`^(?:KeyError: )?'(` + secretName + `)'$`), say: secretSet}, // as the base image logs it
	{typ: re(`^EnvValidationError$`), message: re(`^Environment variable "(\w+)" invalid`), say: wrongValue},
	{typ: re(`^(?:UndefinedValueError|EnvError|EnvValidationError)$`), message: re(`\b(` + variableName + `)\b`), say: secretSet},
	{typ: re(`^InterpolationResolutionError$`), message: re(`Environment variable '(\w+)' not found`), say: secretSet},
	{typ: re(`^ValidationError$`), message: re(`^(` + variableName + `) is required in env `), frame: re(`/dynaconf/`), say: secretSet},
	{typ: re(`^ZodError$`), message: re(`"path": \[\s+"(` + variableName + `)"\s+\],\s+"message": "(?:Required"|[^"\n]*received undefined)`), say: secretSet},
	{typ: re(`^ValidationError$`), message: validation, frame: settingsFiles, when: missingFields, say: "Put what is missing (`{1}`) into the secret set that `secret-set` names, in capitals, and with the prefix of the settings if they have one; a new value reaches the agent with a new deployment, so set `force-redeploy` too."},
	{typ: re(`^ValidationError$`), not: re(`extra_forbidden|(?i:extra (?:inputs|fields) )`), message: validation, frame: settingsFiles, when: firstField, say: wrongValue},
	{typ: re(`^SettingsError$`), message: re(`error parsing value for field "(\w+)"`), say: wrongValue},
	{typ: re(`^DefaultCredentialsError$`), say: "Put the credentials of a Google service account into the secret set that `secret-set` names, and point `GOOGLE_APPLICATION_CREDENTIALS` at a file that the agent writes of them, or hand them to the client."},
	{typ: re(`^NoRegionError$`), say: "Put `AWS_REGION` and `AWS_DEFAULT_REGION` into the secret set that `secret-set` names, or hand the region to the client (`region_name`); a new value reaches the agent only with `force-redeploy`."},
	{typ: re(`^(?:NoCredentialsError|PartialCredentialsError)$`), say: "Put `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` into the secret set that `secret-set` names; a new value reaches the agent with a new deployment, so set `force-redeploy` too."},
	{typ: re(`^TypeError$`), message: re(`^"?Could not resolve authentication method`), frame: re(`/anthropic/`), say: strings.ReplaceAll(secretSet, "{1}", "ANTHROPIC_API_KEY")},
	{typ: re(`^ValueError$`), message: re(`^url must be set$`), frame: re(`/livekit/api/`), say: strings.ReplaceAll(secretSet, "{1}", "LIVEKIT_URL")},
	{typ: none, message: re(`\b(` + variableName + `): (?:unbound variable|parameter (?:null or )?not set)|^\S+: line \d+: (` + variableName + `): `), say: secretSet},
	{typ: plainTypes, message: re(`(?i:environment variable|env var)\W{1,3}(` + variableName + `)\b.{0,20}(?i:must be (?:one of|an?\b|in\b|between|positive|at least)|is invalid|not a valid)|(?i:invalid value)\W.{0,20}\b(` + variableName + `) (?:environment variable|env var)`), say: wrongValue},
	{typ: plainTypes, not: notMissing, message: re(`\b(` + variableName + `)\b.{0,60}\b(?:environment variable|env var)|(?i:environment variables?|env vars?)\W{1,4}(?:named )?(?:the )?\b(` + variableName + `)\b`), say: secretSet},
	{typ: plainTypes, not: notMissing, message: re(`\b(` + variableName + `)\b.{0,30}\b(?:not (?:set|provided)|missing|(?i:is empty|must not be empty)|must be set|is required(?:$|[^ \w]))`), when: isVariable, say: secretSet},
	{typ: plainTypes, not: notMissing, message: re(`(?i:missing|required|please set|set)(?i: env| variable| setting| config| configuration| secret| key)?\W{1,4}(?:the )?\b(` + variableName + `)\b|\badd (` + variableName + `) (?:in|to) your environment`), when: isVariable, say: secretSet},
	{message: re(`contains names \('ENV_(\w+)'.* which cannot be expanded|\bEnvironment variable not found: (\w+)`), say: secretSet}, // supervisord, Prisma
	{typ: plainTypes, not: notMissing, message: re(`(?i)environment variable.{0,60}(?:not (?:set|found|defined)|missing|required)|missing.{0,40}environment variable`), say: secretSets},
	{typ: plainTypes, not: notMissing, message: re(`(?i)(?:api[ _-]?key|credentials?|access token|auth token)\b.{0,60}(?:not (?:set|provided|specified)|missing|required|must be (?:set|provided)|is none|is empty)`), say: secretSets},
	{typ: plainTypes, not: notMissing, message: re(`(?i)(?:missing|no|provide|without)\W+(?:an? |the |your |valid )*\w*\s?api[ _-]?key|no valid credentials`), say: secretSets},
	{typ: plainTypes, message: re(`subscription key or authorization token must be given`), say: secretSets},
	{typ: re(`(?:Error|Exception)$`), message: re(`^(\w+) is required$`), when: readsNamed, say: secretSet},
	{message: re(`NoneType|\bNone\b|none is not an allowed value|missing an 'https?://'|properties of undefined`), when: readsVariable, say: secretSet},
	{typ: re(`^AssertionError$`), source: re(`^assert os\.(?:getenv|environ\.get)\([^()]*\)$`), when: readsVariable, say: secretSet},

	{typ: re(`^(?:ValueError|JSONDecodeError|Error|ArgumentError)$`), message: re(`^(?:invalid literal for int|could not convert string to float|Expecting (?:value|property name|',' delimiter)|Extra data|Incorrect padding|Redis URL must specify|Could not parse .*URL)`), when: convertsVariable, say: "The value for `{1}` in the secret set that `secret-set` names is not what the code expects: correct it, and set `force-redeploy`."},
	{typ: re(`^ValueError$`), message: re(`Could not deserialize key data|Unable to load PEM file|^No key could be detected`), say: "A private key has lost its form, often its line ends: put it into the secret set that `secret-set` names as it is in its file, or have the code turn each `\\n` in it into a line end."},
	{message: re(`Illegal header value b'|[Nn]ewline(?:, carriage return,)? or null byte (?:detected|character) in header|return character\(s\) in header value`), say: "A header is made of a value, such as a key, that is empty or has a space or a line end too many: correct it in the secret set that `secret-set` names, and set `force-redeploy`."},
	{typ: re(`^UnicodeEncodeError$`), message: re(`^'ascii' codec`), frame: re(`/httpx/_models\.py$`), say: "A header is made of a value, such as a key, that has a character beyond ASCII: correct it where it is set, which for a key is the secret set that `secret-set` names, and set `force-redeploy`."},

	// Services.
	{message: re(`unsupported_country_region_territory|User location is not supported`), say: "The service is not offered in the country that the agent calls it from: deploy the agent to another `region`, or use another service."},
	{message: re(`SERVICE_DISABLED|API has not been used in project \S+ before or it is disabled`), say: "Turn this API on for the project in the Google Cloud console, and deploy again some minutes later."},
	{message: re(`\bdetected_unusual_activity\b`), say: "The service refuses its free plan to the network that the agent runs in: use a paid plan there."},
	{message: re(`account-missing-payment-method`), say: "Add a payment method to the account at the service, which it asks for."},
	{typ: re(`^GatedRepoError$`), say: "Accept the terms of the model at Hugging Face, and put the `HF_TOKEN` of that account into the secret set that `secret-set` names; a new value reaches the agent with a new deployment, so set `force-redeploy` too."},
	{message: re(`(?i)\bgated repo\b`), say: "Accept the terms of the model at Hugging Face, and put the `HF_TOKEN` of that account into the secret set that `secret-set` names; a new value reaches the agent with a new deployment, so set `force-redeploy` too."},
	{message: re(`\bDeploymentNotFound\b`), say: "The Azure resource has no deployment of this name: correct the name, which need not be that of the model, or the endpoint."},
	{message: re(`\bvoice_not_found\b`), say: "The service has no voice of this id for the account: correct the id, or add the voice to the account there."},
	{message: re(`(?i)password authentication failed for user|WRONGPASS|invalid username-password pair|NOAUTH Authentication required|Access denied for user '[^']*'@.*using password|^bad auth : |^Authentication failed\., full error`), say: "The database does not accept the agent's user and password: correct them where they are set, such as in the secret set that `secret-set` names, and set `force-redeploy`."},
	{typ: re(`^AuthenticationError$`), message: re(`^Authentication required\.`), frame: re(`/redis/`), say: "The database does not accept the agent's user and password: correct them where they are set, such as in the secret set that `secret-set` names, and set `force-redeploy`."},
	{message: re(`no pg_hba\.conf entry for .*(?:no encryption|SSL off)`), say: "The database takes encrypted connections only, or none from the platform: add `sslmode=require` to its address, and see that it lets the platform in."},
	{typ: re(`^NoSuchModuleError$`), message: re(`sqlalchemy\.dialects:postgres(?:\.\w+)?$`), say: "Write the database's address with `postgresql://`: SQLAlchemy no longer takes `postgres://`."},
	{typ: re(`^InvalidRequestError$`), message: re(`^The asyncio extension requires an async driver`), say: "Name an async driver in the database's address, such as `postgresql+asyncpg://`, and add it to the image's requirements."},
	{message: re(`connection to server on socket "[^"]*" failed: No such file`), say: "The client has no address of the database, and so looks for one in the agent's own container: give it the host of a server that the platform can reach."},
	{message: re(`(?i)insufficient_quota|exceeded your current quota|quota[ _]exceeded|exceeds your quota|payment required|HTTP 402\b|out of credits|credit balance`), not: re(`Errno|(?i:disk)`), say: "The account at the service has no quota left: check its plan and billing there."},
	{message: re("(?i)model_not_found|model_decommissioned|\\bmodels?/[\\w.-]+ is not found|\\bno such model/|model identifier is invalid|not_found_error.{0,60}\\bmodel: "), say: noModel},
	{message: re("(?i)the model .{1,80}does not exist|model .{0,60}not found|unknown model|invalid model"), not: re(`(?i)No module|No such file|E050|checkpoint`), when: isResponse, say: noModel},
	{message: re(`(?i)\b(403)\b|missing_permissions|permission[_ ]denied|AccessDenied|not authorized to perform`), not: re(`\[Errno 13\]|PermissionError|publickey`), when: isOfService, say: "The service knows the agent's key, and refuses what is asked: give the account or the key the permission for it at the service."},
	{message: re(`(?i)(?:invalid|incorrect|wrong|expired|revoked)[\w -]{0,20}(?:(?:api|subscription)[ _-]?key|credentials|access token|auth token|authentication token|token provided)|api[ _]key not (?:valid|found\. Please pass a valid)|invalid_api_key|API_KEY_INVALID|UNAUTHENTICATED|UnrecognizedClientException|InvalidClientTokenId|InvalidSignatureException|SignatureDoesNotMatch|ExpiredToken`), not: re(`ParseError|JSONDecodeError|SyntaxError|credentials? (?:file|format|path)`), say: wrongKey},
	{typ: re(`^(?:AuthenticationError|UnauthorizedError|Unauthorized|InvalidStatus|InvalidStatusCode|WSServerHandshakeError|HTTPStatusError|HTTPError|ApiError|APIStatusError|ClientResponseError|GatedRepoError)$`), message: re(`\b401\b`), say: wrongKey},
	{message: re(`(?i)(?:HTTP(?:/[\d.]+)?|status(?:[ _]code)?|error code)\W{0,4}401\b|\b401\W{1,3}(?:unauthorized|client error)|\b401\b.{0,20}authentication[-_]error`), not: re(`Repository ?Not ?Found`), say: wrongKey},
	{message: re(`\bbind on address \('[^']*', \d+\): .*cannot assign requested address`), say: "The container does not have that address: have the server listen on `0.0.0.0`."},
	{message: re(`WRONG_VERSION_NUMBER|wrong version number`), say: "The server does not speak TLS on that port: correct the port, or the scheme of its address (`http`, `ws` or `redis` without the `s`)."},
	{message: re(`(?i)connection refused|Error 99 connecting to|ECONNREFUSED|connect call failed|Errno 111|^All connection attempts failed`), when: isOnLoopback, say: "Nothing listens on that port of `localhost` in the agent's own container: give the agent the address of a server that the platform can reach."},
	{message: re(`(?i)Name or service not known|nodename nor servname|Temporary failure in name resolution|getaddrinfo (?:failed|ENOTFOUND)|getaddrinfo EAI_AGAIN|\blookup \S+.*: no such host|No address associated with hostname|DNS resolution failed|\[Domain name not found\]`), say: "The name of the server cannot be resolved from the platform: check its spelling, and that it is public."},

	{message: re(`(?i)address (?:is )?already in use|EADDRINUSE|port \d+ is (?:already )?in use|^Connection in use: \(`), say: port},
	{message: re(`\bbind on address \('[^']*', \d{1,3}\): .*permission denied`), say: "The user that the image runs as may not listen on a port below 1024: use a higher one; Pipecat's base image serves port 8080."},
	{typ: none, message: re("failed to (?:create directory|create file|open file|write to file) `([^`]+)`: Permission denied"), say: "The user that the image runs as may not write or read `{1}`: give it the file in the Dockerfile (`COPY --chown`, `RUN chown`), or use a folder such as `/tmp`."},
	{typ: re(`^OperationalError$`), message: re(`^unable to open database file`), say: "The folder of the database is not in the image, or the user that the image runs as may not write to it: make it in the Dockerfile, or use a folder such as `/tmp`."},
	{typ: re(`^(?:PermissionError|ValueError)$`), message: re(`(?:^|Caused by: PermissionError: )\[Errno 13\] Permission denied: '([^']+)'`), say: "The user that the image runs as may not write or read `{1}`: give it the file in the Dockerfile (`COPY --chown`, `RUN chown`), or use a folder such as `/tmp`."},
	{typ: re(`^(?:OSError|ValueError)$`), message: re(`(?:^|Caused by: OSError: )\[Errno 30\] Read-only file system`), say: "The agent may not write there: have it write to a folder such as `/tmp`."},
	{typ: re(`^OSError$`), message: re(`\[Errno (?:28|122)\]`), say: "The container's disk is full: write less, or remove what is no longer needed."},
}

// endHints are for how a process ended, and what the platform makes of it.
var endHints = []hint{
	{exits: []int{132, 139}, silent: true, say: "Native code crashed, often because it was built for another processor: build the image, and all native code in it, for `linux/arm64`."},
	{exits: []int{132, 139}, message: re(`(?i)segmentation fault|illegal instruction`), say: "Native code crashed, often because it was built for another processor: build the image, and all native code in it, for `linux/arm64`."},
	{exits: []int{126}, typ: none, say: "The image's command cannot be executed: check that it is built for `linux/arm64`, and that the file may be executed (`chmod +x`)."},
	{exits: []int{127}, typ: none, say: "The image's command was not found: check the Dockerfile's `CMD` and `ENTRYPOINT`, and that the image is built for `linux/arm64`."},
	{exits: []int{0}, reason: verdict.Crash, typ: none, silent: true, say: "The agent's process ends by itself without an error: `CMD` must start a server that keeps running, as Pipecat's base image does."},

	// The platform.
	{code: "PCC_UNKNOWN_ERROR", say: "Look into the agent's log for why the image did not start; the codes are explained at " + errorCodes + "."},
	{reason: verdict.Infrastructure, say: "The platform has an infrastructure problem: check https://status.daily.co, and deploy again when it is over."},
	{reason: verdict.NotReady, cause: verdict.TooFewReplicas, say: "The agent is serving calls, but fewer replicas than `min-agents` says are ready: raise `wait-timeout`, or lower `min-agents`."},
	{reason: verdict.NotScheduled, say: "The platform never started a replica: check https://status.daily.co, and deploy again or raise `wait-timeout`."},
}

var (
	// plainTypes are of exceptions that code raises for a value that is missing, and none.
	plainTypes = re(`^(?:|(?:Value|Runtime|System|Assertion|Environment|Lookup|Attribute|Type|Key)Error|Error|Exception|\w*(?:Config|Configuration|ImproperlyConfigured|Env|Environ|Settings|Auth|Authentication|Credentials?|ApiKey|APIKey|Api|API|OpenAI|Groq|Anthropic|ElevenLabs|Deepgram|Twilio|Cartesia|Daily|LiveKit|Azure|Speech|Google|Mistral|AssemblyAI|Gladia|Soniox|Hume|Tavus|Simli)\w*(?:Error|Exception)?|panic)$`)
	// notMissing rules out that a variable of the environment is missing: it is wrong, or
	// something else is.
	notMissing = re(`(?i:\binvalid (?:value|format)|\bis invalid\b|not a valid|must be (?:one of|an?\b|in\b|between|positive|at least)|deprecated|\bscope|\bpermission)|positional argument|keyword argument|has no attribute|is not defined|unexpected|not JSON|object is not|\bcolumn\b|\btable\b|\bfield\b|\bPATH\b|[A-Z]\w*_HOME\b|LD_\w+|PYTHON\w+|status_?code|\bHTTP\b|PCC[-_]|Errno|token at|\b[45]\d\d\b`)

	// loopbackURL is an address of it in code, and hasAddress is a message with any address.
	loopbackURL = re(`\b(?:https?|wss?|rediss?|grpc)://(?:localhost|127\.0\.0\.1)[:/'"]`)
	hasAddress  = re(`\d+\.\d+\.\d+\.\d+|:\d{2,5}\b|\w+\.\w+/`)
	loopback    = re(`\blocalhost\b|\b127\.0\.0\.1\b|::1\b`)

	// serviceTypes are of exceptions that clients raise for a service's response, and
	// responded is how their messages show its status.
	serviceTypes = re(`^(?:PermissionDenied(?:Error)?|NotFoundError|BadRequestError|Forbidden|ClientError|\w*A(?:pi|PI)\w*Error|HTTP\w*Error|InvalidStatus(?:Code)?|WSServerHandshakeError|ClientResponseError)$`)

	responded = re(`(?i)(?:HTTP(?:/[\d.]+)?|status(?:[ _]code)?|error code)\W{0,4}4\d\d\b|\b40[0134] (?:[A-Z]+_[A-Z]+\b|Client Error|Forbidden)`)

	// requirement is a package's name in requirements.txt, and inProject one in
	// pyproject.toml: in a list, or as a key.
	requirement = re(`^([\w.-]+)()`)
	inProject   = re(`(?:^\s*|[\[,]\s*)["']([A-Za-z][\w.-]*)["'\[<>=~!;@ ]|^([A-Za-z][\w.-]*) *= *["'{]`)

	// optional is where code reads a variable of the environment and has None or undefined
	// where there is none, and isRead where it reads one in any way.
	optional = re(`(?:getenv|environ\.get)\(\s*['"](\w+)['"]\s*(?:,\s*None\s*)?\)|process\.env(?:\.(\w+)|\[['"](\w+)['"]\])`)
	isRead   = re(`(?:getenv|environ\.get|environ|env(?:\.\w+)?|config)\s*[(\[]\s*f?['"](\w+)['"]|process\.env\.(\w+)`)
	// isNone names an argument that must not be None, and ofNone an attribute that None lacks.
	isNone = re(`\b(\w+) (?:must not|cannot|should not|may not) be None\b`)
	ofNone = re(`has no attribute '(\w+)'|reading '(\w+)'`)
	// inEnviron is a message that says where a variable is missing, and indexed is code
	// that reads one by a name in a variable.
	inEnviron = re(`(?i)\benviron(?:ment)?\b|\.env\b`)
	indexed   = re(`\benviron\[\w+\]`)

	// configures is the name of a variable that is likely to be of the environment.
	configures = re(`(?:^|_)(?:KEYS?|TOKENS?|SECRETS?|SID|DSN|PASSWORD|PASSWD|PASS|PWD|CREDENTIALS|CREDS|URL|URI|ENDPOINT|HOST|HOSTNAME|REGION|WEBHOOK|DOMAIN|BUCKET)$`)

	// writes is code that makes or extends a file, ofSystem is where the user's own files
	// seldom are, and dataFile is a file that code names.
	writes   = re(`\bopen\((?:.*,)? *(?:mode=)?['"][wax][bt]?\+?['"] *[,)]|\.write_(?:text|bytes)\(|\bopen_func\(self\.baseFilename`)
	ofSystem = re(`^/(?:tmp|var|run|proc|dev|etc|usr/(?:share|lib|local))/|/\.|-packages/`)
	dataFile = re(`['"]([\w./-]+\.(?:onnx|pth?|bin|wav|mp3|safetensors|gguf|npz|npy|zip|tflite|model|pkl))['"]`)

	// Pydantic's message on values that do not validate, its code that reads settings, and
	// a line of the message with the name of a field.
	validation    = re(`^\d+ validation errors? for `)
	settingsFiles = re(`pydantic_settings/|pydantic/(?:v1/)?env_settings`)
	fieldName     = re(`^[\w.]+$`)
)

// isOfEnvironment reports whether a KeyError is of os.environ: its own code raised it,
// or the line that did names the key there.
func isOfEnvironment(r reading, key string) (string, bool) {
	for _, f := range r.innermost(2) {
		if f.in == "__getitem__" && (f.file == "<frozen os>" || path.Base(f.file) == "os.py") ||
			strings.Contains(f.text, "environ['"+key+"']") || strings.Contains(f.text, `environ["`+key+`"]`) ||
			indexed().MatchString(f.text) && strings.Count(f.text, "[") == 1 {
			return key, true
		}
	}
	return "", false
}

// isVariable reports whether a name is of a variable of the environment: by itself,
// because a library asks for it, or because the user's code reads it there.
func isVariable(r reading, name string) (string, bool) {
	if configures().MatchString(name) || r.inLibrary() || inEnviron().MatchString(r.message) {
		return name, true
	}
	reads := func(s string) bool {
		return slices.ContainsFunc(isRead().FindAllStringSubmatch(s, -1), func(m []string) bool { return m[1]+m[2] == name })
	}
	for _, f := range r.frames {
		if !library().MatchString(f.file) && reads(f.text) {
			return name, true
		}
	}
	return name, r.place != nil && slices.ContainsFunc(readSource(r.workspace, r.place.File), reads)
}

// field is a setting that pydantic names in a message, and whether it has no value.
type field struct {
	name    string
	missing bool
}

func pydanticFields(message string) (all []field) {
	for s := range strings.SplitSeq(message, "\n") {
		if fieldName().MatchString(s) {
			all = append(all, field{name: untrusted.Cut(s, maxCaught)})
		} else if n := len(all); n > 0 && (strings.Contains(s, "ield required") || strings.Contains(s, "type=missing")) {
			all[n-1].missing = true
		}
	}
	return all
}

// missingFields are the settings that have no value, at most five.
func missingFields(r reading, _ string) (string, bool) {
	var names []string
	for _, f := range pydanticFields(r.message) {
		if f.missing && len(names) < 5 {
			names = append(names, f.name)
		}
	}
	return strings.Join(names, "`, `"), len(names) > 0
}

// firstField is the first setting that pydantic names.
func firstField(r reading, _ string) (string, bool) {
	all := pydanticFields(r.message)
	if len(all) == 0 {
		return "", false
	}
	return all[0].name, true
}

// isCommand reports whether the file that is not found is a program to run, rather than
// the folder to run it in.
func isCommand(r reading, name string) (string, bool) {
	if r.raisedAt().in != "_execute_child" || strings.Contains(name, "/") && strings.Contains(r.ownText(), "cwd=") {
		return "", false
	}
	_, own := isOwnFile(r, name)
	return name, !own
}

// inFramework reports whether Pipecat itself imports the module, which its extras bring.
func inFramework(r reading, module string) (string, bool) {
	return module, strings.Contains(r.raisedAt().file, "-packages/pipecat/")
}

// isResponse reports whether a client raised the exception for a service's response.
func isResponse(r reading, caught string) (string, bool) {
	return caught, serviceTypes().MatchString(r.typ) || responded().MatchString(r.message)
}

// hidesLibrary is the user's file that has the name of a module which a library uses.
func hidesLibrary(r reading, module string) (string, bool) {
	_, attribute, _ := strings.Cut(r.message, "attribute '")
	if !r.inLibrary() || !strings.Contains(r.raisedAt().text, module+"."+strings.TrimSuffix(attribute, "'")) {
		return "", false
	}
	return isOwn(r, module)
}

// hasNoFrames reports whether the traceback is cut off, so that the name is all there
// is.
func hasNoFrames(r reading, caught string) (string, bool) {
	return caught, !slices.ContainsFunc(r.frames, func(f frame) bool { return f.text != "" })
}

// readsVariable is the variable of the environment that the user's own line reads,
// which raised an exception for None: what it has no attribute of, or was handed on.
func readsVariable(r reading, _ string) (string, bool) {
	var attribute, argument string
	if m := isNone().FindStringSubmatch(r.message); m != nil {
		argument = m[1]
	}
	if m := ofNone().FindStringSubmatch(r.message); m != nil {
		attribute = m[1] + m[2]
	}
	for _, f := range slices.Backward(r.frames) {
		if library().MatchString(f.file) {
			continue
		}
		var read []string
		for _, m := range optional().FindAllStringSubmatchIndex(f.text, -1) {
			isOf := strings.HasPrefix(f.text[m[1]:], "."+attribute) || r.inLibrary() && ofText().MatchString(attribute) && isOnlyArgument(f.text[:m[0]], f.text[m[1]:])
			if (attribute == "" || isOf) && (argument == "" || strings.Contains(f.text[:m[0]], argument+"=")) {
				read = append(read, f.text[max(m[2], m[4], m[6]):max(m[3], m[5], m[7])])
			}
		}
		if len(read) != 1 {
			break
		}
		return read[0], true
	}
	return "", false
}

// ofText are attributes that code asks of a text.
var ofText = re(`^(?:startswith|endswith|split|rsplit|strip|rstrip|lstrip|lower|encode|replace|partition)$`)

// isOnlyArgument reports whether the code between two texts is all that a call hands on.
func isOnlyArgument(before, after string) bool {
	return strings.HasSuffix(strings.TrimSuffix(before, "os."), "(") && strings.HasPrefix(after, ")")
}

// ownText is the text of the user's own innermost line.
func (r reading) ownText() string {
	for _, f := range slices.Backward(r.frames) {
		if !library().MatchString(f.file) {
			return f.text
		}
	}
	return ""
}

// readsNamed is the variable that the user's own line reads and a library names, in
// lower case.
func readsNamed(r reading, name string) (string, bool) {
	for _, m := range optional().FindAllStringSubmatch(r.ownText(), -1) {
		if v := m[1] + m[2] + m[3]; strings.EqualFold(v, name) {
			return v, true
		}
	}
	return "", false
}

// converts is code that hands a variable of the environment to what makes another type
// or a client of it.
var converts = re(`\b(?:int|float|json\.loads|b64decode|from_url|create_(?:async_)?engine)\(\s*os\.(?:getenv\(|environ\.get\(|environ\[)\s*['"](\w+)['"]\s*(?:,\s*([^()]*?))?[)\]]`)

// convertsVariable is the variable of the environment whose value the user's own line
// cannot convert: not its default, which the message would show.
func convertsVariable(r reading, _ string) (string, bool) {
	all := converts().FindAllStringSubmatch(r.ownText(), -1)
	if len(all) != 1 {
		return "", false
	}
	if d := all[0][2]; d != "" && (!isLiteral().MatchString(r.message) || strings.Contains(r.message, "'"+strings.Trim(d, `'"`)+"'")) {
		return "", false
	}
	return all[0][1], true
}

// isLiteral is a message that shows the value.
var isLiteral = re(`^(?:invalid literal for int|could not convert string to float)`)

// shadows reports whether a module of the user's hides another of its name: a library
// imports it, or the requirements have a package of that name.
func shadows(r reading, module string) (string, bool) {
	if r.inLibrary() {
		return module, true
	}
	for _, file := range findFiles(r.workspace, "requirements.txt")["requirements.txt"] {
		for _, l := range readSource(r.workspace, file) {
			if strings.EqualFold(requirement().FindString(l), module) {
				return module, true
			}
		}
	}
	return "", false
}

// importsItself reports whether a file of the user's has the name of the module that it,
// or a library, imports.
func importsItself(r reading, module string) (string, bool) {
	if !r.inLibrary() {
		return module, path.Base(r.raisedAt().file) == module+".py"
	}
	// A library imports a module of the user's only by mistake.
	_, file, _ := strings.Cut(r.message, "circular import) (")
	return module, path.Base(strings.TrimSuffix(file, ")")) == module+".py" && !library().MatchString(file)
}

// hasNoShebang reports whether a script has no line that names its interpreter, as
// far as the workspace shows it.
func hasNoShebang(r reading, script string) (string, bool) {
	files := findFiles(r.workspace, path.Base(script))[path.Base(script)]
	return script, !slices.ContainsFunc(files, func(file string) bool { return begins(r.workspace, file, "#!") })
}

// hasWindowsLines reports whether the line of a script that names its interpreter ends
// as on Windows, so that there is no such interpreter.
func hasWindowsLines(r reading, script string) (string, bool) {
	files := findFiles(r.workspace, path.Base(script))[path.Base(script)]
	return script, len(files) == 1 && slices.ContainsFunc(files, func(file string) bool {
		text, _ := readText(r.workspace, file)
		first, _, _ := strings.Cut(text, "\n")
		return strings.HasPrefix(first, "#!") && strings.HasSuffix(first, "\r")
	})
}

// opensPointer is the file that the user's own line names and that is a pointer of Git LFS.
func opensPointer(r reading, _ string) (string, bool) {
	for _, m := range dataFile().FindAllStringSubmatch(r.ownText(), maxSearches) {
		if file, ok := isPointer(r, m[1]); ok {
			return file, true
		}
	}
	return "", false
}

// isPointer reports whether a file of the workspace is a pointer of Git LFS.
func isPointer(r reading, name string) (string, bool) {
	for _, file := range findFiles(r.workspace, path.Base(name))[path.Base(name)] {
		if begins(r.workspace, file, "version https://git-lfs.github.com/") {
			return file, true
		}
	}
	return "", false
}

// isWritten reports whether the file that is not found was to be written, so that its
// folder is what is missing.
func isWritten(r reading, name string) (string, bool) {
	return name, slices.ContainsFunc(r.innermost(3), func(f frame) bool { return writes().MatchString(f.text) })
}

// isOwnFolder is isOwnFile for a folder at the root of the workspace.
func isOwnFolder(r reading, name string) (string, bool) {
	base := path.Base(path.Clean(name))
	return base, isFolder(r.workspace, base, "")
}

// isOwnFile reports whether the workspace has a file that the agent does not find in
// the image.
func isOwnFile(r reading, name string) (string, bool) {
	base := path.Base(path.Clean(name))
	if strings.HasPrefix(base, ".") || strings.HasSuffix(name, "…") || ofSystem().MatchString(name) {
		return "", false
	}
	file, n := longestSuffix(path.Clean(name), findFiles(r.workspace, base)[base])
	return file, n == 1
}

// isOwn is the module or package of the user's that has a name, as a path: in the folder
// in which the agent starts, or in one that may be copied there.
func isOwn(r reading, module string) (string, bool) {
	name := strings.ReplaceAll(module, ".", "/")
	files := findFiles(r.workspace, path.Base(name)+".py", "__init__.py")
	packages := files["__init__.py"]
	for _, as := range []string{name + ".py", name + "/__init__.py"} {
		for _, file := range files[path.Base(as)] {
			folder, ok := strings.CutSuffix("/"+file, "/"+as)
			if ok && (folder == "" || !slices.Contains(packages, folder[1:]+"/__init__.py") && !r.imports(folder)) {
				return strings.TrimSuffix(as, "/__init__.py"), true
			}
		}
	}
	return name, isFolder(r.workspace, name, ".py")
}

// imports reports whether code in a folder of the user's was imported by other code.
func (r reading) imports(folder string) bool {
	var own []frame
	for _, f := range r.frames {
		if !library().MatchString(f.file) {
			own = append(own, f)
		}
	}
	return len(own) > 0 && slices.ContainsFunc(own[1:], func(f frame) bool { return strings.HasSuffix(path.Dir(f.file), folder) })
}

// isFolder reports whether the workspace has a folder at its root with a file of a kind.
func isFolder(workspace fs.FS, name, ext string) bool {
	if workspace == nil || strings.ContainsAny(name, "./") || slices.Contains(skipped, name) || buildcontext.IsSecret(name) {
		return false
	}
	entries, _ := fs.ReadDir(workspace, ".")
	if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.IsDir() && e.Name() == name }) {
		return false
	}
	files, _ := fs.ReadDir(workspace, name)
	return slices.ContainsFunc(files, func(e fs.DirEntry) bool { return strings.HasSuffix(e.Name(), ext) })
}

// isRequired is the package of a module that the user's lists of packages name.
func isRequired(r reading, module string) (string, bool) {
	name := cmp.Or(packages[module], module)
	files := findFiles(r.workspace, "requirements.txt", "pyproject.toml")
	for _, file := range slices.Concat(files["requirements.txt"], files["pyproject.toml"]) {
		form := inProject
		if path.Ext(file) == ".txt" {
			form = requirement
		}
		for _, l := range readSource(r.workspace, file) {
			for _, m := range form().FindAllStringSubmatch(l, -1) {
				if canonical.Replace(strings.ToLower(m[1]+m[2])) == canonical.Replace(strings.ToLower(name)) {
					return name, true
				}
			}
		}
	}
	return "", false
}

// canonical is how names of packages are compared.
var canonical = strings.NewReplacer("_", "-", ".", "-")

// ofItsOwn reports whether a package lacks what it imports of itself.
func ofItsOwn(r reading, module string) (string, bool) {
	first, _, _ := strings.Cut(module, ".")
	return module, !isShared().MatchString(first) && strings.Contains(r.raisedAt().file, "-packages/"+first+"/")
}

// ofItsNative is ofItsOwn for a module that is likely to be native code, by its name.
func ofItsNative(r reading, module string) (string, bool) {
	names := strings.Split(module, ".")
	n := len(names)
	if !strings.Contains(module, "._") && names[n-1] != names[n-2] && !strings.Contains(names[n-1], "pybind") {
		return "", false
	}
	return ofItsOwn(r, module)
}

// forLibrary is the package of a module that another package imports.
func forLibrary(r reading, module string) (string, bool) {
	first, _, _ := strings.Cut(module, ".")
	return distribution(module), r.inLibrary() && (isShared().MatchString(first) || !strings.Contains(r.raisedAt().file, "-packages/"+first+"/"))
}

// isOfService reports whether an exception is of a client of a service, or of HTTP.
func isOfService(r reading, caught string) (string, bool) {
	if _, ok := isResponse(r, caught); ok {
		return caught, true
	}
	installed := slices.ContainsFunc(r.frames, func(f frame) bool { return strings.Contains(f.file, "-packages/") })
	return caught, installed && caught != "403" && r.typ != "OSError" && r.typ != "FileNotFoundError"
}

// isOnLoopback reports whether what refused a connection is the container itself.
func isOnLoopback(r reading, caught string) (string, bool) {
	return caught, loopback().MatchString(r.message) || !hasAddress().MatchString(r.message) && loopbackURL().MatchString(r.ownText())
}
