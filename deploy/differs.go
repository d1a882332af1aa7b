package deploy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"pipecat-cloud-deploy/pipecat"
)

// tells reports whether an agent shows enough of its newest deployment to tell
// whether it is what was asked for.
func tells(asked pipecat.Settings, agent *pipecat.Agent) bool {
	if asked == (pipecat.Settings{}) {
		return true // any will do
	}
	if agent.Deployment == nil || asked.AgentProfile != "" && agent.AgentProfile == "" {
		return false
	}
	spec := agent.Deployment.Manifest.Spec
	if asked.Image == "" {
		return spec.Image != "" || spec.DailyNodeType != "" || spec.AutoScaling != nil
	}
	return spec.Image != ""
}

// differs finds a setting that was asked for and that the agent's newest
// deployment shows otherwise; "" when there is none. What the platform hides or
// does not tell is no difference.
func differs(asked pipecat.Settings, agent *pipecat.Agent) string {
	if agent.Deployment == nil {
		return ""
	}
	spec := agent.Deployment.Manifest.Spec
	_, tag, digest := parts(spec.Image)
	switch {
	case !sameImage(asked.Image, spec.Image):
		return fmt.Sprintf("image is %q", spec.Image)
	case asked.BuildID != "" && tag+digest != "": // a build's image is redacted
		return fmt.Sprintf("image is %q, of no build", spec.Image)
	}

	none := "" // what a manifest shows for what is not set
	if spec.Image != "" {
		none = "none"
	}
	type pair struct{ name, want, have string }
	pairs := []pair{
		{"image credentials", asked.ImagePullSecretSet, cmp.Or(spec.ImagePullSecretName, none)},
		{"agent profile", asked.AgentProfile, agent.AgentProfile},
		{"WebSocket authorization", asked.WebsocketAuth, agent.WebsocketAuth},
		{"noise filter", filter(asked.KrispViva), filter(agent.KrispViva)},
	}
	if asked.MaxSessionDuration != 0 && spec.MaxSessionDurationSeconds != 0 {
		pairs = append(pairs, pair{"session limit", fmt.Sprint(asked.MaxSessionDuration), fmt.Sprint(spec.MaxSessionDurationSeconds)})
	}
	if s := asked.AutoScaling; s != nil && spec.AutoScaling != nil {
		for _, bound := range []struct {
			name       string
			want, have *int
		}{{"minimum of agents", s.MinAgents, spec.AutoScaling.MinReplicas}, {"maximum of agents", s.MaxAgents, spec.AutoScaling.MaxReplicas}} {
			if bound.want != nil && bound.have != nil {
				pairs = append(pairs, pair{bound.name, fmt.Sprint(*bound.want), fmt.Sprint(*bound.have)})
			}
		}
	}
	if sets := spec.EnvFromSecretNames; !slices.Contains(sets, asked.SecretSet) {
		pairs = append(pairs, pair{"secret set", asked.SecretSet, cmp.Or(strings.Join(sets, " "), none)})
	}
	for _, p := range pairs {
		if p.want != "" && p.have != "" && p.want != p.have {
			return fmt.Sprintf("%s is %q", p.name, p.have)
		}
	}
	return ""
}

// filter names a noise filter: "none" for one that is off, "" for none told.
func filter(k *pipecat.KrispViva) string {
	switch {
	case k == nil:
		return ""
	case k.AudioFilter == nil:
		return "none"
	}
	return *k.AudioFilter
}

// image is that of an agent's newest deployment, as far as it is told.
func image(agent *pipecat.Agent) string {
	if agent.Deployment == nil {
		return ""
	}
	return agent.Deployment.Manifest.Spec.Image
}

// sameImage reports whether an image that is shown may be the one that was asked
// for: the platform may spell its name out, or show the digest behind its tag.
// An image that is not given, or not shown, is no other.
func sameImage(asked, shown string) bool {
	if asked == "" || shown == "" || asked == shown {
		return true
	}
	name, tag, digest := parts(asked)
	otherName, otherTag, otherDigest := parts(shown)
	same := func(a, b string) bool { return a == "" || b == "" || a == b }
	return name == otherName && same(tag, otherTag) && same(digest, otherDigest)
}

// parts takes an image's reference apart; its name is spelled out. What is not
// one has none.
func parts(image string) (name, tag, digest string) {
	ref, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return "", "", ""
	}
	if t, ok := ref.(reference.Tagged); ok {
		tag = t.Tag()
	}
	if d, ok := ref.(reference.Digested); ok {
		digest = d.Digest().String()
	}
	return ref.Name(), tag, digest
}
