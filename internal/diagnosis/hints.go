package diagnosis

import (
	"regexp"
	"slices"
	"strings"

	"pipecat-cloud-deploy/internal/untrusted"
	"pipecat-cloud-deploy/internal/verdict"
)

// hint is an entry of the table. It applies when all that it has is so; what it
// leaves out does not matter.
type hint struct {
	code    string         // the platform's, or in its words
	reason  verdict.Reason // why the job is red
	cause   verdict.Cause  // the same, finer
	exits   []int          // one of them is the process's exit code
	typ     *regexp.Regexp // the exception's type
	message *regexp.Regexp // its message, or the line that tells something
	source  *regexp.Regexp // what its two innermost frames were at

	// say may have {1} for what the first of message's groups with a text caught, and {profile} for
	// the advice on a larger one. It is Markdown.
	say string
}

// none is for no exception at all.
var none = regexp.MustCompile(`^$`)

var memoryTypes = regexp.MustCompile(`^(?:MemoryError|OutOfMemoryError)$`)

// Texts that several entries share.
const (
	memory     = "The agent needs more memory than it has: {profile}, or make it need less."
	platform   = "Build the image, and all native code in it, for `linux/arm64`, which alone runs there: `docker build --platform linux/arm64`."
	noImage    = "Check that `image` names a tag that has been pushed, and for a private registry set `image-credentials` to an image pull secret."
	noAccess   = "Set `image-credentials` to an image pull secret whose user may pull the image; a private registry needs one."
	rateLimit  = "The registry limits how often images are pulled: set `image-credentials` to an image pull secret, as a user who is logged in may pull more, or try again later."
	tooLarge   = "Make the image smaller: a slim base image, a `.dockerignore`, and no models or build tools that the agent does not need."
	secretSet  = "Put `{1}` into the secret set that `secret-set` names; a new value reaches the agent with a new deployment, so set `force-redeploy` too."
	secretSets = "Put what is missing into the secret set that `secret-set` names; a new value reaches the agent with a new deployment, so set `force-redeploy` too."
	noBot      = "Pipecat's base image runs `/app/bot.py` and calls its `bot`: have the Dockerfile copy a `bot.py` there that defines `async def bot(runner_args)`."
	port       = "Something else listens on that port already: Pipecat's base image serves port 8080, so start no server of your own on it, and each server only once."
	billing    = "Set up billing for the organization in the Pipecat Cloud dashboard, https://pipecat.daily.co, and deploy again."
	elsewhere  = "Make a secret set with these values in the agent's own region, as `region` has it, and name that one in `{1}`."
	errorCodes = "https://docs.pipecat.ai/pipecat-cloud/fundamentals/error-codes"
)

func re(s string) *regexp.Regexp { return regexp.MustCompile(s) }

// hints are tried in order, and the first that applies is the one.
var hints = slices.Concat(buildHints, startHints)

// startHints are for what was built, and does not start.
var startHints = []hint{
	// Secrets, as the platform speaks of them.
	{message: re(`illegal base64 data`), say: "The image pull secret that `image-credentials` names does not hold base64: make it again from `user:password` encoded so, or let `pipecat cloud secrets image-pull-secret` do that."},
	{typ: none, message: re(`(?i)image pull secret.* is in region`), say: strings.ReplaceAll(elsewhere, "{1}", "image-credentials")},
	{typ: none, message: re(`(?i)secret set\b.* is in region`), say: strings.ReplaceAll(elsewhere, "{1}", "secret-set")},
	{typ: none, message: re(`(?i)image pull secret.* not found`), say: "Make the image pull secret that `image-credentials` names, in the agent's region, or correct the name."},
	{typ: none, message: re(`(?i)secret set\b.* not found|^secret "[^"]*" not found|: secret "[^"]*" not found`), say: "Make the secret set that `secret-set` names, in the agent's region, or correct the name."},
	{typ: none, message: re(`(?i)secret set\b.*(?:not (?:yet )?ready|pending)`), say: "The secret set is still being made, which usually takes seconds: deploy again, and look at it in the dashboard, https://pipecat.daily.co, if that does not help."},
	{typ: none, message: re(`(?i)secret set\b.*(?:could not be provisioned|\bfailed\b)`), say: "The platform could not make the secret set: delete it, make it again, and see that `secret-set` or `image-credentials` names the new one."},

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
	{reason: verdict.ImagePull, message: re(`(?i)toomanyrequests|too many requests|rate limit`), say: rateLimit},
	{reason: verdict.ImagePull, message: re(`(?i)too large|no space left`), say: tooLarge},
	{reason: verdict.ImagePull, message: re(`(?i)no match(?:ing manifest)? for (?:platform|linux)`), say: platform},
	{reason: verdict.ImagePull, message: re(`(?i)unauthori[sz]ed|denied|forbidden|authentication required|no basic auth`), say: noAccess},
	{reason: verdict.ImagePull, message: re(`(?i)invalid reference|couldn't parse image|InvalidImageName`), say: "Write `image` as `registry/name:tag`, in lower case and without `https://`."},
	{reason: verdict.ImagePull, say: noImage},
	{message: re(`(?i)exec format error`), say: platform},
	{message: re(`(?i)\bbilling\b`), reason: verdict.Refused, say: billing},

	// Memory.
	{reason: verdict.OutOfMemory, say: memory},
	{exits: []int{137}, say: memory},
	{typ: memoryTypes, say: memory},

	// Python.
	{typ: re(`^(?:ImportError|ModuleNotFoundError|AttributeError)$`), message: re(`^cannot import name 'bot' from 'bot'|^No module named 'bot'$|^module 'bot' has no attribute 'bot'|^Could not find 'bot' function`), say: noBot},
	{message: re(`can't open file '/app/bot\.py'`), say: noBot},
	{message: re(`most likely due to a circular import`), say: "Two of your modules import each other: import one of them inside the function that needs it, or move what both need to a third."},
	{message: re(`No module named '?([\w.-]+)`), say: "Add the package that has `{1}` to the image's requirements, or if it is your own, have the Dockerfile copy it into the image."},
	{typ: re(`^ImportError$`), message: re(`cannot import name '?[\w.]+'? from '?([\w.-]+).*-packages/`), say: "Check how the name is spelt in the version of `{1}` that the image installs, and pin that version in its requirements."},
	{typ: re(`^ImportError$`), message: re(`cannot import name '?([\w.]+)`), say: "Check how `{1}` is spelt, and that the image has the module as it is in your repository."},
	{message: re(`([\w.+-]+\.so[.\d]*): cannot open shared object file`), say: "Have the Dockerfile install the system library that has `{1}`."},

	// What the environment lacks.
	{typ: re(`^KeyError$`), message: re(`^'([A-Z][A-Z\d]*(?:_[A-Z\d]+)+)'$`), say: secretSet},
	{typ: re(`^KeyError$`), message: re(`^'(\w+)'$`), source: re(`\benviron\b|^raise KeyError\(key\) from None$`), say: secretSet},
	{typ: re(`^ValidationError$`), message: re(`(?is)^\d+ validation errors? for \w*(?:settings|config|env)\w*\n.*(?:field required|type=missing)`), say: secretSets},
	{message: re(`\b([A-Z][A-Z\d]*(?:_[A-Z\d]+)+)\b.{0,60}\b(?:not (?:set|found|defined|provided)|missing|required|must be set|environment variable|(?i:is empty))`), say: secretSet},
	{message: re(`(?i:environment variables?|env vars?|missing|required|set)\W{1,4}(?:the )?\b([A-Z][A-Z\d]*(?:_[A-Z\d]+)+)\b`), say: secretSet},
	{message: re(`(?i)environment variable.{0,60}(?:not (?:set|found|defined)|missing|required)|missing.{0,40}environment variable`), say: secretSets},
	{message: re(`(?i)(?:api[ _-]?key|credentials?|access token|auth token)\b.{0,60}(?:not (?:set|found|provided|specified)|missing|required|must be|is none|is empty)`), say: secretSets},
	{message: re(`(?i)(?:missing|no|provide|without)\W+(?:an? |the |your |valid )*\w*\s?api[ _-]?key`), say: secretSets},
	{typ: re(`^TypeError$`), message: re(`None`), source: re(`\bos\.(?:getenv|environ)\b`), say: secretSets},
	{message: re(`(?i)(?:invalid|incorrect|wrong|expired).{0,20}(?:api[ _-]?key|credentials|token)`), say: "A service does not take the agent's key: correct the value in the secret set that `secret-set` names, and set `force-redeploy`, without which the agent keeps the old one."},

	{message: re(`(?i)address (?:is )?already in use|EADDRINUSE|port \d+ is (?:already )?in use`), say: port},

	// How the process ended.
	{exits: []int{139}, say: "Native code crashed, often because it was built for another processor: build the image, and all native code in it, for `linux/arm64`."},
	{exits: []int{126}, say: "The image's command cannot be executed: check that it is built for `linux/arm64`, and that the file may be executed (`chmod +x`)."},
	{exits: []int{127}, say: "The image's command was not found: check the Dockerfile's `CMD` and `ENTRYPOINT`, and that the image is built for `linux/arm64`."},

	// The platform.
	{code: "PCC_UNKNOWN_ERROR", say: "Look into the agent's log for why the image did not start; the codes are explained at " + errorCodes + "."},
	{reason: verdict.Infrastructure, say: "The platform has trouble of its own: look at https://status.daily.co, and deploy again when it is over."},
	{reason: verdict.NotReady, cause: verdict.TooFewReplicas, say: "The agent takes calls, but fewer replicas than `min-agents` says are ready: raise `wait-timeout`, or lower `min-agents`."},
	{reason: verdict.NotScheduled, say: "The platform never started a replica: look at https://status.daily.co, and deploy again or raise `wait-timeout`."},
}

// hintFor returns the first hint that applies.
func hintFor(facts Facts, e exception) string {
	for _, h := range hints {
		caught, ok := h.applies(facts, e)
		if ok {
			return strings.NewReplacer("{1}", caught, "{profile}", larger(facts.Profile)).Replace(h.say)
		}
	}
	return ""
}

func (h *hint) applies(facts Facts, e exception) (caught string, ok bool) {
	switch {
	case h.code != "" && facts.Code != h.code && !(facts.Code == "" && e.typ == "" && hasWord(e.message, h.code)),
		h.reason != "" && facts.Reason != h.reason,
		h.cause != "" && facts.Cause != h.cause,
		h.exits != nil && (facts.ExitCode == nil || !slices.Contains(h.exits, *facts.ExitCode)),
		h.typ != nil && !h.typ.MatchString(e.typ),
		h.source != nil && !slices.ContainsFunc(e.frames[max(0, len(e.frames)-2):], func(f frame) bool { return h.source.MatchString(f.text) }):
		return "", false
	}
	if h.message == nil {
		return "", true
	}
	m := h.message.FindStringSubmatch(e.message)
	if m == nil {
		return "", false
	}
	for _, group := range m[1:] {
		if group != "" {
			return untrusted.Cut(group, 60), true
		}
	}
	return "", true
}

func hasWord(s, word string) bool {
	return slices.Contains(strings.FieldsFunc(s, func(c rune) bool { return strings.ContainsRune(" \t:;,.()[]\"'", c) }), word)
}

// larger says which profile to take after one.
func larger(profile string) string {
	switch profile {
	case "agent-1x":
		return "set `agent-profile` to `agent-2x`"
	case "agent-2x":
		return "set `agent-profile` to `agent-3x`"
	case "agent-3x":
		return "`agent-3x` is the largest `agent-profile`, so ask the platform's support"
	}
	return "set a larger `agent-profile`"
}
