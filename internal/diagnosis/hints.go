package diagnosis

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"

	"pipecat-cloud-deploy/internal/untrusted"
	"pipecat-cloud-deploy/internal/verdict"
)

// hint is an entry of the table: what must match, what rules it out, and what to say.
// It applies when every field that it has matches.
type hint struct {
	platform bool           // the platform says it; else the agent printed it
	runtime  bool           // either does, because it is from what starts containers
	code     string         // the platform's, or in its message
	reason   verdict.Reason // why the job is red
	session  bool           // of a caller's session
	cause    verdict.Cause  // the same, finer
	exits    []int          // one of them is the process's exit code
	silent   bool           // no cause is Likely
	typ      pattern        // the exception's type
	message  pattern        // its message, or the line that says something
	source   pattern        // the text of one of its two innermost frames
	frame    pattern        // the file of one of its frames
	not      pattern        // its type and message must not match

	// when reports whether there is more evidence, such as in the workspace. It is given
	// what was caught: the first group of message that is not empty, cut to maxCaught. What
	// it returns is caught instead.
	when func(r reading, caught string) (string, bool)

	// say is Markdown, with {1} for what was caught, and {profile} for the advice on a
	// larger one.
	say string
	// tell says it better for what was caught; "" leaves it at say.
	tell func(facts Facts, caught string) string
}

const maxCaught = 60 // bytes

// none is the type where there is no exception.
var none = re(`^$`)

var memoryTypes = re(`^(?:MemoryError|OutOfMemoryError|_ArrayMemoryError)$`)

// Texts that several entries share.
const (
	memory     = "The agent needs more memory than it has: {profile}, or make it need less."
	wasKilled  = "The agent was killed: where it needs more memory than it has, {profile}; where it takes too long to start, load less before its server listens."
	platform   = "Build the image, and all native code in it, for `linux/arm64`, the only platform that runs there: `docker build --platform linux/arm64`."
	noImage    = "Check that `image` names a tag that has been pushed, and for a private registry set `image-credentials` to an image pull secret."
	noAccess   = "Set `image-credentials` to an image pull secret whose user may pull the image; a private registry needs one."
	rateLimit  = "The registry limits how often images are pulled: set `image-credentials` to an image pull secret, as a user who is logged in may pull more, or try again later."
	tooLarge   = "Make the image smaller: a slim base image, a `.dockerignore`, and no models or build tools that the agent does not need."
	wrongKey   = "A service does not accept the agent's key: correct the value in the secret set that `secret-set` names, and set `force-redeploy`, without which the agent keeps the old one."
	secretSet  = "Put `{1}` into the secret set that `secret-set` names; a new value reaches the agent with a new deployment, so set `force-redeploy` too."
	secretSets = "Put what is missing into the secret set that `secret-set` names; a new value reaches the agent with a new deployment, so set `force-redeploy` too."
	wrongValue = "The value for `{1}` in the secret set that `secret-set` names is not what the settings expect, such as JSON for a list: correct it, and set `force-redeploy`."
	noExtra    = "Install the extra of `pipecat-ai` that brings `{1}`: the requirements must name it, as in `pipecat-ai[deepgram]`."
	noName     = "Check the spelling of the name; if it is right, pin a version of `{1}` that has it."
	noModel    = "The service has no model of this name for the account: correct the model's name in the agent's code or settings."
	notWhole   = "The package lacks its own `{1}`, as when it was installed for another Python or processor: have it installed while the image is built for `linux/arm64`, and copy no virtual environment into the image."
	ownModule  = "Have the Dockerfile copy `{1}` into the image, to the folder in which the agent starts; it is in your repository."
	ownFile    = "Have the Dockerfile copy `{1}` into the image, where the agent looks for it; it is in your repository."
	noBot      = "Pipecat's base image runs `/app/bot.py` and calls its `bot`: have the Dockerfile copy a `bot.py` there that defines `async def bot(runner_args)`."
	port       = "Something else listens on that port already: Pipecat's base image serves port 8080, so start no server of your own on it, and each server only once."
	billing    = "Set up billing for the organization in the Pipecat Cloud dashboard, https://pipecat.daily.co, and deploy again."
	elsewhere  = "Make a secret set with these values in the agent's own region, as `region` has it, and name that one in `{1}`."
	errorCodes = "https://docs.pipecat.ai/pipecat-cloud/fundamentals/error-codes"
)

// pattern is a regular expression that is compiled when it is first used: there are
// hundreds, and most jobs need none.
type pattern func() *regexp.Regexp

//go:noinline // in place, hundreds of these are 0.6 MB of code
func re(s string) pattern {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(s) })
}

// hints are tried in order, and the first that applies wins.
var hints = slices.Concat(buildHints, platformHints, startHints, endHints)

// advise gives a diagnosis the first hint that applies.
func (d Diagnosis) advise(facts Facts, r reading) Diagnosis {
	for i := range hints {
		if caught, ok := hints[i].applies(facts, r); ok {
			d.Hint, d.entry = hints[i].words(facts, caught), hints[i].say
			break
		}
	}
	return d
}

// words are what a hint says for what was caught.
func (h *hint) words(facts Facts, caught string) string {
	if h.tell != nil {
		if s := h.tell(facts, caught); s != "" {
			return s
		}
	}
	return strings.NewReplacer("{1}", caught, "{profile}", largerProfile(facts.Profile)).Replace(h.say)
}

// applies reports whether a hint does, and returns what it caught.
func (h *hint) applies(facts Facts, r reading) (caught string, ok bool) {
	switch {
	case h.code != "" && facts.Code != h.code && !(facts.Code == "" && r.typ == "" && hasWord(r.message, h.code)),
		h.reason != "" && facts.Reason != h.reason,
		h.session && facts.Reason != verdict.ReasonNoAnswer && facts.Reason != verdict.Bake,
		h.cause != "" && facts.Cause != h.cause,
		h.exits != nil && (facts.ExitCode == nil || !slices.Contains(h.exits, *facts.ExitCode)),
		h.silent && r.sure >= Likely,
		h.message != nil && h.reason != verdict.Build && (r.sure < Likely || h.platform != r.platform && !h.runtime),
		h.typ != nil && !h.typ().MatchString(r.typ),
		h.not != nil && h.not().MatchString(r.typ+": "+r.message),
		h.source != nil && !slices.ContainsFunc(r.innermost(2), func(f frame) bool { return h.source().MatchString(f.text) }),
		h.frame != nil && !slices.ContainsFunc(r.frames, func(f frame) bool { return h.frame().MatchString(f.file) }):
		return "", false
	}
	if h.message != nil {
		m := h.message().FindStringSubmatch(r.message)
		if m == nil {
			return "", false
		}
		caught = untrusted.Cut(cmp.Or(m[1:]...), maxCaught)
	}
	if h.when != nil {
		return h.when(r, caught)
	}
	return caught, true
}

func hasWord(s, word string) bool {
	return slices.Contains(strings.FieldsFunc(s, func(c rune) bool { return strings.ContainsRune(" \t:;,.()[]\"'", c) }), word)
}

// largerProfile says which profile is larger than one.
func largerProfile(profile string) string {
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
