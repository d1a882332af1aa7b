package diagnosis

import (
	"cmp"
	"strings"

	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/verdict"
)

// debian has the packages of system libraries that agents often lack.
var debian = map[string]string{
	"libGL.so.1": "libgl1", "libglib-2.0.so.0": "libglib2.0-0", "libgthread-2.0.so.0": "libglib2.0-0", "libportaudio.so.2": "libportaudio2",
	"libsndfile.so.1": "libsndfile1", "libsndfile.so": "libsndfile1", "libgomp.so.1": "libgomp1", "libasound.so.2": "libasound2",
	"libpq.so.5": "libpq5", "libcblas.so.3": "libatlas3-base", "libopenblas.so.0": "libopenblas0", "libopus.so.0": "libopus0",
	"libmagic.so.1": "libmagic1", "libxcb.so.1": "libxcb1", "libX11.so.6": "libx11-6", "libgssapi_krb5.so.2": "libgssapi-krb5-2",
	"libstdc++.so.6": "libstdc++6", "libatomic.so.1": "libatomic1", "libffi.so.8": "libffi8", "libsodium.so.23": "libsodium23",
}

// systemLibrary names the package that has a library.
func systemLibrary(_ Facts, library string) string {
	if p := debian[library]; p != "" {
		return "Have the Dockerfile install the system library `" + library + "`: `apt-get install " + p + "`."
	}
	return ""
}

// renames are packages of Debian that newer releases have by another name.
var renames = map[string]string{
	"libgl1-mesa-glx": "libgl1", "libegl1-mesa": "libegl1", "libasound2": "libasound2t64", "libglib2.0-0": "libglib2.0-0t64", "libssl1.1": "libssl3",
	"python": "python3", "netcat": "netcat-openbsd", "libatlas-base-dev": "libopenblas-dev", "python-dev": "python3-dev", "python3-distutils": "python3-setuptools",
}

// renamed names the package that has replaced one.
func renamed(_ Facts, name string) string {
	if p := renames[name]; p != "" {
		return "The base image's release no longer has `" + name + "`: install `" + p + "` instead."
	}
	return ""
}

// packages have other names than the modules that they bring.
var packages = map[string]string{
	"cv2": "opencv-python-headless", "PIL": "pillow", "yaml": "PyYAML", "dotenv": "python-dotenv", "sklearn": "scikit-learn", "bs4": "beautifulsoup4",
	"jwt": "PyJWT", "dateutil": "python-dateutil", "Crypto": "pycryptodome", "jose": "python-jose", "multipart": "python-multipart", "pipecat": "pipecat-ai",
	"pipecatcloud": "pipecatcloud", "attr": "attrs", "magic": "python-magic", "psycopg2": "psycopg2-binary", "websocket": "websocket-client",
	"_cffi_backend": "cffi", "deepgram": "deepgram-sdk", "daily": "daily-python", "socketio": "python-socketio", "pkg_resources": "setuptools", "usaddress": "usaddress",

	"google.genai": "google-genai", "google.generativeai": "google-generativeai", "google.auth": "google-auth", "google.oauth2": "google-auth",
	"google.protobuf": "protobuf", "google.api_core": "google-api-core", "google.cloud.speech": "google-cloud-speech", "google.cloud.speech_v2": "google-cloud-speech",
	"google.cloud.texttospeech": "google-cloud-texttospeech", "google.cloud.texttospeech_v1": "google-cloud-texttospeech", "google.cloud.storage": "google-cloud-storage",
	"azure.cognitiveservices": "azure-cognitiveservices-speech", "azure.identity": "azure-identity", "opentelemetry.sdk": "opentelemetry-sdk",
	"opentelemetry.exporter": "opentelemetry-exporter-otlp", "livekit.api": "livekit-api", "livekit.agents": "livekit-agents",
}

// shared are modules that many packages have a part of.
const shared = `google|azure|opentelemetry|livekit|ruamel|zope|backports`

var isShared = re(`^(?:` + shared + `)$`)

// libraries are what packages say that the system lacks, with Debian's package for it.
var libraries = map[string]string{
	"Could not find Opus library": "libopus0", "failed to find libmagic": "libmagic1", "sndfile library not found": "libsndfile1", "espeak not installed on your system": "espeak-ng",
}

// askedFor names the package of the system that an exception asks for.
func askedFor(_ Facts, words string) string {
	return "Have the Dockerfile install the system library that is asked for: `apt-get install " + libraries[words] + "`."
}

// successors are packages that bring modules which Python no longer has.
var successors = map[string]string{"audioop": "audioop-lts", "pyaudioop": "audioop-lts", "distutils": "setuptools", "cgi": "legacy-cgi"}

// successor names the package that brings a module which Python no longer has.
func successor(_ Facts, module string) string {
	if p := successors[module]; p != "" {
		return "Python no longer has `" + strings.TrimPrefix(module, "py") + "`: add `" + p + "`, which brings it, to the image's requirements, or use a base image with an older Python."
	}
	return ""
}

// packageOf names the package that brings a module, or one that has it.
func packageOf(_ Facts, module string) string {
	p := packages[module]
	for within := module; p == "" && strings.Contains(within, "."); p = packages[within] {
		within = within[:strings.LastIndexByte(within, '.')]
	}
	if p != "" {
		return "Add the package `" + p + "`, which brings `" + module + "`, to the image's requirements."
	}
	return ""
}

// versionOf names the package whose version lacks what is imported of a module.
func versionOf(_ Facts, module string) string {
	return strings.ReplaceAll(noName, "{1}", distribution(module))
}

// distribution is the package that a module is of.
func distribution(module string) string {
	first, _, _ := strings.Cut(module, ".")
	if isShared().MatchString(first) {
		first = module
	}
	return cmp.Or(packages[first], first)
}

// setuptools says which of its versions have a module that builds ask for.
func setuptools(_ Facts, module string) string {
	if module != "pkg_resources" {
		return ""
	}
	return "Have the Dockerfile install `setuptools<81`, which has `pkg_resources`, before this step, and what is built with it by `pip install --no-build-isolation`."
}

var extra = re(`(?:pip install|uv add) \\?["']?(pipecat-ai\[[\w,-]+\])`)

// extraOf names the extra of pipecat-ai that the framework asks for, in a line before
// the exception.
func extraOf(facts Facts, module string) string {
	for _, from := range []verdict.Source{verdict.FromContainer, verdict.FromAgentLog} {
		text := facts.text(from)
		if all := extra().FindAllStringSubmatch(text[max(0, len(text)-maxText):], -1); len(all) > 0 {
			return "Add `" + all[len(all)-1][1] + "` to the image's requirements: this extra brings `" + module + "`."
		}
	}
	return ""
}

// fromStage is an instruction that copies from elsewhere than the context.
var fromStage = re(`(?im)\b(?:COPY|ADD) .*--from=.*$`)

// copyAdvice says why a path that a Dockerfile copies is not in the build context.
func copyAdvice(facts Facts, name string) string {
	if facts.Context == nil || strings.HasSuffix(name, "…") {
		return ""
	}
	for _, instruction := range fromStage().FindAllString(facts.text(verdict.FromBuildLog), 20) {
		if strings.Contains(instruction, name) {
			return ""
		}
	}
	m, ok := buildcontext.Explain(*facts.Context, name)
	if !ok {
		return ""
	}
	if m.Reason == buildcontext.Ignored && m.IsSecret {
		m.Reason = buildcontext.Secret
	}
	name = strings.TrimPrefix(name, "/")
	include := buildcontext.Include(name)
	switch m.Reason {
	case buildcontext.NotThere:
		if strings.EqualFold(m.Elsewhere, name) {
			return "Write `" + name + "` in the Dockerfile as the file is called, `" + m.Elsewhere + "`: letter case counts."
		}
		return "The build context has no `" + name + "`: correct the path in the Dockerfile, which is relative to `build-context`, or have the workflow make the file first."
	case buildcontext.NotCommitted:
		return "`" + name + "` is not committed, because `.gitignore` has `" + m.Rule.Pattern + "`: commit it, or have the workflow make the file before this step."
	case buildcontext.Submodule:
		return "`" + name + "` is in a submodule of Git that is not checked out: set `submodules: true` for `actions/checkout`."
	case buildcontext.LinkOutside:
		return "`" + name + "` is a symbolic link, or beyond one, that leads out of `build-context`: copy what it points to, which must be in the build context."
	case buildcontext.Secret:
		return "`" + name + "` is left out of the build because it may hold a secret: keep secrets in the secret set that `secret-set` names, or add `" + include + "` to `build-exclude` where it holds none."
	case buildcontext.Ignored:
		if file := cmp.Or(m.Rule.File, m.Rule.Input); file != "" {
			return "`" + file + "` excludes `" + name + "` from the build: add the pattern `" + include + "` to it."
		}
		return "Pipecat Cloud's default ignore list excludes `" + name + "`, because there is no `.dockerignore`: add `" + include + "` to `build-exclude`, or write a `.dockerignore`, which replaces that list."
	}
	return "" // for a path outside of the context, and for a pointer, which is there
}
