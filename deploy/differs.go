package deploy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"pipecat-cloud-deploy/internal/pipecat"
)

// tells reports whether an agent shows enough of its newest deployment to tell
// whether it is what was asked for.
func tells(asked pipecat.Settings, agent *pipecat.Agent) bool {
	if asked == (pipecat.Settings{}) {
		return true // any will do
	}
	if agent.Deployment == nil {
		return false
	}
	spec := agent.Deployment.Manifest.Spec
	switch {
	case asked.Image != "" && spec.Image == "",
		asked.AgentProfile != "" && agent.AgentProfile == "",
		asked.WebsocketAuth != "" && agent.WebsocketAuth == "",
		asked.KrispViva != nil && agent.KrispViva == nil,
		asked.AutoScaling != nil && spec.AutoScaling == nil:
		return false
	}
	return spec.Image != "" || spec.DailyNodeType != "" || spec.AutoScaling != nil
}

// differs finds a setting that was asked for and that the agent's newest
// deployment shows otherwise; "" when there is none. What the platform hides or
// does not tell is no difference.
func differs(asked pipecat.Settings, agent *pipecat.Agent) string {
	if agent.Deployment == nil {
		return ""
	}
	spec := agent.Deployment.Manifest.Spec
	switch {
	case sameArtefact(asked, spec.Image):
	case asked.BuildID != "":
		return fmt.Sprintf("image is %q, of no build", spec.Image)
	default:
		return fmt.Sprintf("image is %q", spec.Image)
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
	if asked.MaxSessionDuration != 0 {
		limit := none
		if spec.MaxSessionDurationSeconds != 0 {
			limit = fmt.Sprint(spec.MaxSessionDurationSeconds)
		}
		pairs = append(pairs, pair{"session limit", fmt.Sprint(asked.MaxSessionDuration), limit})
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

// sameArtefact reports whether an image that is shown may be of the image or the
// build that was asked for. A build's image is redacted.
func sameArtefact(asked pipecat.Settings, shown string) bool {
	if asked.BuildID != "" {
		_, tag, digest := parts(shown)
		return tag+digest == ""
	}
	return sameImage(asked.Image, shown)
}

// contradicts reports whether an image that is shown cannot be what was asked
// for, whatever the name under which the platform keeps it.
func contradicts(asked pipecat.Settings, shown string) bool {
	_, tag, digest := parts(shown)
	if asked.BuildID != "" { // whose image is redacted
		return tag+digest != ""
	}
	_, askedTag, askedDigest := parts(asked.Image)
	other := func(a, b string) bool { return a != "" && b != "" && a != b }
	return other(askedTag, tag) || other(askedDigest, digest)
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
