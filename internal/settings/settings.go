// Package settings has the one table of an agent's settings: how each is asked
// for, how an agent's document shows it, when the two are the same, and how it is
// put back.
//
// The fields are those of
// https://docs.pipecat.ai/api-reference/pipecat-cloud/rest-reference/endpoint/agent-update
package settings

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"pipecat-cloud-deploy/internal/pipecat"
)

// None is the value of a setting that an agent does without.
const None = "none"

// Names that other packages treat apart.
const (
	Image   = "image"
	BuildID = "build-id"
)

// ErrBuildHidden is why a deployment of a build cannot be restored that the platform
// does not name.
var ErrBuildHidden = errors.New("the previous version is from a build, and the platform does not report which one")

// defaultSession is the longest session in seconds where a manifest names none.
const defaultSession = 7200

// setting is a row of the table.
type setting struct {
	name     string // the input's, or the config file's table
	artifact bool   // it is what is deployed: an agent has one of these, and may not show which
	scaling  bool   // it takes effect without a new deployment
	fileOnly bool   // no input asks for it, but a config file
	absent   string // what a manifest means that leaves it out; "" where that is not known

	asked func(pipecat.Settings) string // "" when it is not asked for
	shown func(*pipecat.Agent) string   // "" when the document does not show it
	// compare says how a document shows what was asked for, where it is more than
	// that the two texts are equal; nil otherwise.
	compare func(asked string, a *pipecat.Agent) Match
	// revert asks for what the document shows. Its error says why the API cannot
	// do that.
	revert func(to *pipecat.Settings, from *pipecat.Agent) error
}

// table has every setting, in the order in which users read them.
var table = []setting{
	{name: Image, artifact: true,
		asked: func(s pipecat.Settings) string { return s.Image },
		shown: imageOf,
		compare: func(asked string, a *pipecat.Agent) Match {
			switch {
			case imageOf(a) == "" && buildOf(a) != "": // of a build, whose image is left out
				return Different
			case imageOf(a) == "":
				return Unknown
			}
			return compareImages(asked, imageOf(a))
		},
		revert: revertImage},
	{name: BuildID, artifact: true,
		asked: func(s pipecat.Settings) string { return s.BuildID },
		shown: buildOf, // older documents show no id, but an image that is redacted
		compare: func(asked string, a *pipecat.Agent) Match {
			switch shown := buildOf(a); {
			case shown != "":
				return same(strings.EqualFold(shown, asked)) // a UUID, which has no case
			case imageOf(a) == "":
				return Unknown
			case FromBuild(a):
				return Compatible
			}
			return Different
		},
		revert: revertImage},
	{name: "image-credentials", absent: None,
		asked: func(s pipecat.Settings) string { return s.ImagePullSecretSet },
		shown: func(a *pipecat.Agent) string { return specOf(a).ImagePullSecretName },
		revert: func(to *pipecat.Settings, from *pipecat.Agent) error {
			to.ImagePullSecretSet = specOf(from).ImagePullSecretName
			return removable("image-credentials", to.ImagePullSecretSet)
		}},
	{name: "secret-set", absent: None,
		asked: func(s pipecat.Settings) string { return s.SecretSet },
		shown: func(a *pipecat.Agent) string { return strings.Join(specOf(a).EnvFromSecretNames, " ") },
		// An agent that has the set has what was asked for: the API accepts one set and
		// shows a list, to which the platform may add its own sets.
		compare: func(asked string, a *pipecat.Agent) Match {
			return same(slices.Contains(specOf(a).EnvFromSecretNames, asked))
		},
		revert: func(to *pipecat.Settings, from *pipecat.Agent) error {
			sets := specOf(from).EnvFromSecretNames
			if len(sets) > 1 {
				return fmt.Errorf("the agent had several secret sets (%s), and the API accepts one", strings.Join(sets, " "))
			}
			to.SecretSet = strings.Join(sets, "")
			return removable("secret-set", to.SecretSet)
		}},
	{name: "min-agents", scaling: true,
		asked: func(s pipecat.Settings) string { return number(boundsOf(s).MinAgents) },
		shown: func(a *pipecat.Agent) string { return number(replicasOf(a).MinReplicas) },
		revert: func(to *pipecat.Settings, from *pipecat.Agent) error {
			bounds(to).MinAgents = replicasOf(from).MinReplicas
			return nil
		}},
	{name: "max-agents", scaling: true,
		asked: func(s pipecat.Settings) string { return number(boundsOf(s).MaxAgents) },
		shown: func(a *pipecat.Agent) string { return number(replicasOf(a).MaxReplicas) },
		revert: func(to *pipecat.Settings, from *pipecat.Agent) error {
			bounds(to).MaxAgents = replicasOf(from).MaxReplicas
			return nil
		}},
	{name: "agent-profile",
		asked:  func(s pipecat.Settings) string { return s.AgentProfile },
		shown:  func(a *pipecat.Agent) string { return a.AgentProfile },
		revert: func(to *pipecat.Settings, from *pipecat.Agent) error { to.AgentProfile = from.AgentProfile; return nil }},
	{name: "resources", fileOnly: true,
		asked:   func(s pipecat.Settings) string { return sizes(s.Resources) },
		shown:   resourcesOf,
		compare: func(asked string, a *pipecat.Agent) Match { return same(sameSizes(asked, resourcesOf(a))) },
		revert: func(to *pipecat.Settings, from *pipecat.Agent) error {
			if resourcesOf(from) != "" {
				to.Resources = from.Resources
			}
			return nil
		}},
	{name: "krisp-viva-audio-filter",
		asked:  func(s pipecat.Settings) string { return filter(s.KrispViva) },
		shown:  func(a *pipecat.Agent) string { return filter(a.KrispViva) },
		revert: func(to *pipecat.Settings, from *pipecat.Agent) error { to.KrispViva = from.KrispViva; return nil }},
	// An agent without a limit has the platform's own, so that to ask for that one
	// changes nothing.
	{name: "max-session-duration", absent: seconds(defaultSession),
		asked: func(s pipecat.Settings) string { return seconds(s.MaxSessionDuration) },
		shown: func(a *pipecat.Agent) string { return seconds(specOf(a).MaxSessionDurationSeconds) },
		revert: func(to *pipecat.Settings, from *pipecat.Agent) error {
			to.MaxSessionDuration = specOf(from).MaxSessionDurationSeconds
			if to.MaxSessionDuration == 0 {
				to.MaxSessionDuration = defaultSession
			}
			return nil
		}},
	{name: "websocket-auth",
		asked: func(s pipecat.Settings) string { return s.WebsocketAuth },
		shown: func(a *pipecat.Agent) string { return a.WebsocketAuth },
		revert: func(to *pipecat.Settings, from *pipecat.Agent) error {
			to.WebsocketAuth = from.WebsocketAuth
			return nil
		}},
	// The API calls it nodeType, too, and a manifest dailyNodeType: arm and amd.
	{name: "architecture",
		asked: func(s pipecat.Settings) string { return cmp.Or(s.Architecture, architecture(s.NodeType)) },
		shown: func(a *pipecat.Agent) string { return cmp.Or(specOf(a).Arch, architecture(specOf(a).DailyNodeType)) },
		revert: func(to *pipecat.Settings, from *pipecat.Agent) error {
			to.Architecture = specOf(from).Arch
			if to.Architecture == "" {
				to.NodeType = specOf(from).DailyNodeType
			}
			return nil
		}},
}

// Names lists the settings, in the order in which users read them.
func Names() (names []string) {
	for _, s := range table {
		names = append(names, s.name)
	}
	return names
}

// value is what a document shows of a setting, or what it means by leaving it out.
func (s setting) value(a *pipecat.Agent) string {
	if v := s.shown(a); v != "" || imageOf(a) == "" && buildOf(a) == "" { // without either there is no manifest that leaves anything out
		return v
	}
	return s.absent
}

// Match says how a document shows a setting that was asked for.
type Match int

const (
	Unknown    Match = iota // it does not show the setting
	Compatible              // it shows what may be the same: the hidden image of a build, a digest in place of a tag
	Same
	Different
)

func same(ok bool) Match {
	if ok {
		return Same
	}
	return Different
}

func (s setting) match(asked string, a *pipecat.Agent) Match {
	switch shown := s.value(a); {
	case s.compare != nil && (s.artifact || s.shown(a) != ""):
		return s.compare(asked, a)
	case shown == "":
		return Unknown
	default:
		return same(asked == shown)
	}
}

// Change is what an update does to one setting.
type Change struct {
	Name     string
	Before   string // "" when the document does not show it
	After    string // Before, when it is not asked for; "" for a build that is yet to be made
	Asked    bool
	Moves    bool // it is asked for, and is not known to be so already
	Scaling  bool // it takes effect without a new deployment
	Artifact bool // it is what is deployed, the image or the build
	FileOnly bool // no input asks for it, but a config file
}

// Deploys reports whether the change makes a new deployment.
func (c Change) Deploys() bool { return c.Moves && !c.Scaling }

// NotReported reports whether a setting is asked for of which the API does not
// report what it was, so that nothing can put it back. What was deployed before is
// known by its image or by its build: see Revert.
func (c Change) NotReported() bool { return c.Asked && c.Before == "" && !c.Artifact }

// Diff lists the settings that are asked for, and those that an agent shows. The
// agent is nil when it is yet to be created.
func Diff(before *pipecat.Agent, asked pipecat.Settings) (changes []Change) {
	known := before
	if known == nil {
		known = &pipecat.Agent{}
	}
	for _, s := range table {
		c := Change{Name: s.name, Before: s.value(known), After: s.asked(asked), Scaling: s.scaling, Artifact: s.artifact, FileOnly: s.fileOnly}
		switch {
		case c.After != "":
			c.Asked, c.Moves = true, s.match(c.After, known) != Same
		case s.name == BuildID && asked.Image != "": // which the image replaces
			continue
		default:
			if c.Before = s.shown(known); c.Before == "" {
				continue
			}
			c.After = c.Before
		}
		changes = append(changes, c)
	}
	return changes
}

// WithNewBuild is changes that ask for a build, too, which is yet to be made.
func WithNewBuild(changes []Change) []Change {
	asked := Change{Name: BuildID, Asked: true, Moves: true, Artifact: true}
	at := slices.IndexFunc(changes, func(c Change) bool { return c.Name == BuildID })
	if at >= 0 {
		asked.Before = changes[at].Before
		return slices.Replace(slices.Clone(changes), at, at+1, asked)
	}
	at = 1 + slices.IndexFunc(changes, func(c Change) bool { return c.Name == Image })
	return slices.Insert(slices.Clone(changes), at, asked)
}

// Comparison is how a document shows all settings that were asked for.
type Comparison struct {
	Match    Match  // the worst: Different, Unknown, Compatible, Same
	Name     string // of the setting that has it; "" when all are the same
	Shown    string // what the document shows of that one
	Artifact bool   // that one is what is deployed, the image or the build
}

// String completes "its …" with what the document shows.
func (c Comparison) String() string {
	if c.Name == BuildID && c.Match == Different && strings.ContainsAny(c.Shown, ":/@") {
		return fmt.Sprintf("image is %q, of no build", c.Shown)
	}
	return fmt.Sprintf("%s is %q", c.Name, c.Shown)
}

// Compare says whether a document shows what was asked for. Scaling is left out:
// it takes effect without a deployment, and late, so that it says nothing of which
// deployment this is. A nil agent shows nothing.
func Compare(asked pipecat.Settings, a *pipecat.Agent) Comparison {
	if a == nil {
		a = &pipecat.Agent{}
	}
	worst := Comparison{Match: Same}
	for _, s := range table {
		want := s.asked(asked)
		if want == "" || s.scaling {
			continue
		}
		m := s.match(want, a)
		found := Comparison{m, s.name, s.value(a), s.artifact}
		if s.name == BuildID && found.Shown == "" {
			found.Shown = imageOf(a)
		}
		switch {
		case m == Different:
			return found
		case m == Unknown && worst.Match != Unknown, m == Compatible && worst.Match == Same:
			worst = found
		}
	}
	return worst
}

// Reversal puts back what an update changes.
type Reversal struct {
	Settings pipecat.Settings // to ask for
	Changes  []Change         // what that does to each
	Lasting  []error          // why the rest cannot be put back, such as ErrBuildHidden
}

// Err is why not all can be put back; nil when it can.
func (r Reversal) Err() error {
	if r.Lasting == nil {
		return nil
	}
	var texts []string
	for _, err := range r.Lasting {
		texts = append(texts, err.Error())
	}
	return errors.New(strings.Join(texts, "; "))
}

// Revert asks for what the settings were that changes move. What was not shown is
// left as it is.
func Revert(changes []Change, before *pipecat.Agent) (back Reversal) {
	moved := map[string]Change{}
	for _, c := range changes {
		if c.Moves {
			moved[c.Name] = c
		}
	}
	for _, s := range table {
		if c, ok := moved[s.name]; ok && (c.Before != "" || s.artifact) {
			if err := s.revert(&back.Settings, before); err != nil {
				back.Lasting = append(back.Lasting, err)
			}
		}
	}
	for _, s := range table { // only now, because an image may take the place of a build
		if value := s.asked(back.Settings); value != "" {
			back.Changes = append(back.Changes,
				Change{Name: s.name, Before: moved[s.name].After, After: value, Asked: true, Moves: true, Scaling: s.scaling, Artifact: s.artifact, FileOnly: s.fileOnly})
		}
	}
	return back
}

// Shown asks for all that a document shows, or means by leaving it out, so that another
// one can be compared with it. Scaling is left out.
func Shown(a *pipecat.Agent) (asked pipecat.Settings) {
	if a == nil {
		return asked
	}
	for _, s := range table {
		if !s.scaling && s.value(a) != "" {
			_ = s.revert(&asked, a) // what it cannot ask for is not compared
		}
	}
	return asked
}

func removable(name, value string) error {
	if value == "" {
		return fmt.Errorf("the agent had no %s, and the API cannot take one away", name)
	}
	return nil
}

// revertImage asks for the image or the build of a deployment.
func revertImage(to *pipecat.Settings, from *pipecat.Agent) error {
	switch {
	case buildOf(from) != "":
		to.BuildID = buildOf(from)
	case imageOf(from) == "":
		return errors.New("the platform does not report the previous image")
	case FromBuild(from):
		return ErrBuildHidden
	default:
		to.Image = imageOf(from)
	}
	return nil
}
