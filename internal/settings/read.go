package settings

import (
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/distribution/reference"

	"pipecat-cloud-deploy/internal/pipecat"
)

// FromBuild reports whether an agent's deployment is of a cloud build: the document
// names it, or redacts its image, which then has neither tag nor digest.
func FromBuild(a *pipecat.Agent) bool {
	_, tag, digest := parts(imageOf(a))
	return buildOf(a) != "" || imageOf(a) != "" && tag+digest == ""
}

// ImageHidden reports whether an agent's document hides the image of its deployment, which
// is one of a build.
func ImageHidden(a *pipecat.Agent) bool { return strings.Trim(imageOf(a), "[]") == "redacted" }

// ImageShown is the image of an agent's deployment, as its document shows it; ""
// when it does not.
func ImageShown(a *pipecat.Agent) string { return imageOf(a) }

// BuildShown is the id of the build of an agent's deployment; "" when its document
// shows none.
func BuildShown(a *pipecat.Agent) string { return buildOf(a) }

// Replicas are the bounds of an agent's replicas: the agent's own, and only where
// the document lacks these those of its deployment. Scaling changes the first at
// once, without a deployment; the second is what the deployment began with.
func Replicas(a *pipecat.Agent) pipecat.Replicas { return replicasOf(a) }

// deploymentOf is the deployment that is desired, as far as the document shows it.
func deploymentOf(a *pipecat.Agent) pipecat.Deployment {
	if d := a.DesiredDeployment(); d != nil {
		return *d
	}
	return pipecat.Deployment{}
}

func specOf(a *pipecat.Agent) pipecat.Spec { return deploymentOf(a).Manifest.Spec }

func buildOf(a *pipecat.Agent) string { return deploymentOf(a).BuildID }

func imageOf(a *pipecat.Agent) string { return specOf(a).Image }

func replicasOf(a *pipecat.Agent) pipecat.Replicas {
	switch {
	case a == nil:
	case a.AutoScaling != nil:
		return *a.AutoScaling
	case specOf(a).AutoScaling != nil:
		return *specOf(a).AutoScaling
	}
	return pipecat.Replicas{}
}

func boundsOf(s pipecat.Settings) pipecat.AutoScaling {
	if s.AutoScaling == nil {
		return pipecat.AutoScaling{}
	}
	return *s.AutoScaling
}

func bounds(s *pipecat.Settings) *pipecat.AutoScaling {
	if s.AutoScaling == nil {
		s.AutoScaling = &pipecat.AutoScaling{}
	}
	return s.AutoScaling
}

// filter names a noise filter: None for one that is off, "" for an unknown one.
func filter(k *pipecat.KrispViva) string {
	switch {
	case k == nil:
		return ""
	case k.AudioFilter == nil:
		return None
	}
	return *k.AudioFilter
}

// architecture is the name of a kind of machine that the API has two names for.
func architecture(nodeType string) string {
	if nodeType == "arm" || nodeType == "amd" {
		return nodeType + "64"
	}
	return nodeType
}

// resourcesOf is the size of an agent that has no profile: with one, what a document
// shows is the profile's.
func resourcesOf(a *pipecat.Agent) string {
	if a.AgentProfile != "" {
		return ""
	}
	return sizes(a.Resources)
}

func sizes(r *pipecat.Resources) string {
	if r == nil || r.CPU == "" || r.Memory == "" {
		return ""
	}
	return "cpu=" + r.CPU + " memory=" + r.Memory
}

// sameSizes compares two texts of sizes by what they mean: 500m and 0.5 are the same.
func sameSizes(a, b string) bool {
	one, other := strings.Fields(a), strings.Fields(b)
	return slices.EqualFunc(one, other, func(x, y string) bool {
		_, x, _ = strings.Cut(x, "=")
		_, y, _ = strings.Cut(y, "=")
		return x == y || amount(x) != nil && amount(y) != nil && amount(x).Cmp(amount(y)) == 0
	})
}

// suffixes of Kubernetes quantities, and what they multiply by.
//
// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
var suffixes = []struct {
	text       string
	base, exp  int64
	smallerOne bool
}{
	{"Ki", 1024, 1, false}, {"Mi", 1024, 2, false}, {"Gi", 1024, 3, false}, {"Ti", 1024, 4, false}, {"Pi", 1024, 5, false}, {"Ei", 1024, 6, false},
	{"m", 1000, 1, true}, {"k", 1000, 1, false}, {"M", 1000, 2, false}, {"G", 1000, 3, false}, {"T", 1000, 4, false}, {"P", 1000, 5, false}, {"E", 1000, 6, false},
}

// amount is a Kubernetes quantity; nil for what is none.
func amount(s string) *big.Rat {
	factor := big.NewRat(1, 1)
	for _, suffix := range suffixes {
		if rest, ok := strings.CutSuffix(s, suffix.text); ok {
			factor.SetInt(new(big.Int).Exp(big.NewInt(suffix.base), big.NewInt(suffix.exp), nil))
			if s = rest; suffix.smallerOne {
				factor.Inv(factor)
			}
			break
		}
	}
	if len(s) > 20 || strings.ContainsAny(s, "eE/_xX") {
		return nil
	}
	n, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil
	}
	return n.Mul(n, factor)
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

// compareImages says whether an image that is shown is the one that was asked for.
// The platform may spell the name out, and add the digest behind the tag. A tag
// and a digest do not say whether they name the same image.
func compareImages(asked, shown string) Match {
	if asked == shown {
		return Same
	}
	name, tag, digest := parts(asked)
	otherName, otherTag, otherDigest := parts(shown)
	differ := func(a, b string) bool { return a != "" && b != "" && a != b }
	switch {
	case name == "" || otherName == "" || otherTag+otherDigest == "": // what is shown is of a build
		return Different
	case name != otherName, differ(tag, otherTag), differ(digest, otherDigest):
		return Different
	case digest != "" && digest == otherDigest, digest == "" && tag == otherTag:
		return Same
	}
	return Compatible
}

// parts takes an image's reference apart; its name is spelled out. What is not a
// reference has none.
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
