package deploy

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"pipecat-cloud-deploy/internal/config"
	"pipecat-cloud-deploy/internal/pipecat"
)

// Setting is one of an agent's settings, before a change and after it.
type Setting struct {
	Name   string // the input's
	Before string // "none" where it is known that there is none; empty: the platform does not tell
	After  string
	From   string // where After was asked for: "input", or the config file's name; empty: it stays
}

// Changes reports whether the setting becomes another one.
func (s Setting) Changes() bool { return s.From != "" && s.Before != s.After }

// Idle reports whether a change makes no new deployment, as far as the agent's
// document tells: what was asked for is what it has. A tag that has moved is no
// change, and scaling takes effect without a deployment.
func (c Change) Idle() bool {
	if c.Before == nil || c.Force {
		return false
	}
	return !slices.ContainsFunc(c.Plan, func(s Setting) bool { return s.Changes() && !s.scales() })
}

// OnlyScales reports whether a change is one of scaling alone, which takes
// effect without a new deployment.
func (c Change) OnlyScales() bool {
	return c.Idle() && slices.ContainsFunc(c.Plan, Setting.Changes)
}

func (s Setting) scales() bool { return s.Name == "min-agents" || s.Name == "max-agents" }

// none is what a setting is that an agent does without.
const none = "none"

// unset is what the settings are that a manifest leaves out.
var unset = map[string]string{"image-credentials": none, "secret-set": none, "max-session-duration": seconds(defaultSession)}

// plan lists an agent's settings: those that are asked for, and those that are
// told of it as it is.
func plan(cfg config.Config, c Change) (settings []Setting) {
	var (
		before pipecat.Agent
		spec   pipecat.Spec
	)
	if c.Before != nil {
		before = *c.Before
		if before.Deployment != nil {
			spec = before.Deployment.Manifest.Spec
		}
	}
	var scaled pipecat.Replicas
	if before.AutoScaling != nil {
		scaled = *before.AutoScaling
	}
	asked := c.Settings
	if asked.AutoScaling == nil {
		asked.AutoScaling = &pipecat.AutoScaling{}
	}
	for _, s := range []Setting{
		{Name: "image", Before: spec.Image, After: asked.Image},
		{Name: "build-id", After: c.Artefact.buildID()},
		{Name: "image-credentials", Before: spec.ImagePullSecretName, After: asked.ImagePullSecretSet},
		{Name: "secret-set", Before: strings.Join(spec.EnvFromSecretNames, " "), After: asked.SecretSet},
		{Name: "min-agents", Before: number(scaled.MinReplicas), After: number(asked.AutoScaling.MinAgents)},
		{Name: "max-agents", Before: number(scaled.MaxReplicas), After: number(asked.AutoScaling.MaxAgents)},
		{Name: "agent-profile", Before: before.AgentProfile, After: asked.AgentProfile},
		{Name: "krisp-viva-audio-filter", Before: filter(before.KrispViva), After: filter(asked.KrispViva)},
		{Name: "max-session-duration", Before: seconds(spec.MaxSessionDurationSeconds), After: seconds(asked.MaxSessionDuration)},
		{Name: "websocket-auth", Before: before.WebsocketAuth, After: asked.WebsocketAuth},
		{Name: "node-type", Before: spec.DailyNodeType, After: asked.NodeType},
	} {
		switch {
		case s.After != "":
			s.From = cmp.Or(cfg.Sources[s.Name], "input")
			if s.Before == "" && spec.Image != "" { // a manifest leaves out what is not set
				s.Before = unset[s.Name]
			}
			if s.Name == "image" && spelledOut(s.After) == spelledOut(s.Before) {
				s.Before = s.After // another spelling of it
			}
		case s.Before == "":
			continue
		case s.Name == "image" && c.Artefact.Build != nil:
			s.After, s.From = "the build's", cmp.Or(cfg.Sources["build-id"], "input")
		default:
			s.After = s.Before
		}
		settings = append(settings, s)
	}
	return settings
}

func (a Artefact) buildID() string {
	if a.Build == nil {
		return ""
	}
	return cmp.Or(a.Build.ID, "a new build")
}

// spelledOut is an image's reference with all that may be left out of one.
func spelledOut(image string) string {
	name, tag, digest := parts(image)
	return strings.Join([]string{name, tag, digest}, " ")
}

func number(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

func seconds(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n) + "s"
}
