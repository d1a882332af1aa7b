package main

import (
	"encoding/json"
	"math/rand/v2"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
)

// The deployments of the cases: the target, the one that it replaced, and one of
// another client.
const (
	target   = "7c489df3-7d1d-482f-b1ed-51300f630645"
	previous = "123e4567-e89b-12d3-a456-426614174000"
	foreign  = "b59a68ee-61c8-4d99-9ceb-e99a3953bdac"
)

const agentName = "bot"

const (
	askedImage    = "ghcr.io/acme/bot:v2"
	previousImage = "ghcr.io/acme/bot:v1"
)

// epoch is when the target was created.
var epoch = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)

var (
	notFound  = object{"code": "PCC_IMAGE_NOT_FOUND", "message": "Image not found. Check the image name and tag."}
	rateLimit = object{"code": "PCC_IMAGE_PULL_RATE_LIMIT", "message": "Too many requests."}
	known     = pipecat.AgentError{Code: "PCC_IMAGE_NOT_FOUND", Message: "Image not found. Check the image name and tag."}
)

type object = map[string]any

// absent is a value that leaves its field out.
type absent struct{}

// generator makes cases. Half of them have only values that the platform is known to
// send; in the others, each field may have any.
type generator struct {
	*rand.Rand
	odd bool
}

func newGenerator(seed uint64) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, 0))}
}

// of picks one of the values; those that come more than once are likelier.
func (g *generator) of(values ...any) any { return values[g.IntN(len(values))] }

// often picks the first value but for one time in n, when it picks one of the others.
func (g *generator) often(n int, value any, others ...any) any {
	if g.IntN(n) > 0 {
		return value
	}
	return g.of(others...)
}

// oddly is a value, or now and then in an odd case one of the others.
func (g *generator) oddly(value any, others ...any) any {
	if g.odd && g.IntN(12) == 0 {
		return g.of(others...)
	}
	return value
}

func (g *generator) next() Case {
	g.odd = g.IntN(2) == 0
	c := Case{Target: Target{Agent: agentName, ID: target, Previous: g.of(previous, previous, previous, previous, "", target).(string)}}
	if g.IntN(2) == 0 {
		c.Target.Image = askedImage
	}
	if g.IntN(2) == 0 {
		c.Target.CreatedAt = epoch
	}
	if g.IntN(6) == 0 {
		c.Target.Known = []pipecat.AgentError{known}
	}
	doc, err := json.Marshal(g.document())
	if err != nil {
		panic(err) // of maps and texts of our own
	}
	c.Document = doc
	return c
}

func (g *generator) document() object {
	desired := g.often(8, target, previous, foreign)
	ready := g.of(true, true, false)
	doc := object{
		"name":                   g.oddly(agentName, absent{}, "another", nil),
		"desiredDeploymentId":    g.oddly(desired, absent{}, nil, "", 5, target),
		"activeDeploymentId":     g.oddly(desired, absent{}, nil, "", previous, target),
		"reconciledDeploymentId": g.oddly(g.often(4, desired, previous, nil), absent{}, "", foreign, 5, []any{}),
		"ready":                  g.oddly(ready, absent{}, nil, "true", "false", 1, object{}),
		"available":              g.oddly(g.often(4, ready, true, false), absent{}, nil, "true", "false", 1, 0, "", object{}),
		"activeDeploymentReady":  g.oddly(g.often(8, ready, true, absent{}), nil, "true", 1),
		"deployment":             g.oddly(g.deployment(desired), nil, absent{}),
		"currentRevision":        g.oddly(g.revision(g.often(5, target, previous)), nil, absent{}, "Active"),
		"previousRevision":       g.often(3, nil, absent{}, g.revision(previous)),
		"errors":                 g.errors(),
		"conditions":             g.conditions(),
	}
	return strip(doc)
}

func (g *generator) deployment(id any) any {
	return strip(object{
		"id":        g.often(10, id, target, previous),
		"createdAt": g.often(4, epoch.Format(time.RFC3339), epoch.Add(-time.Hour).Format(time.RFC3339), epoch.Add(time.Hour).Format(time.RFC3339), absent{}),
		"manifest":  strip(object{"spec": strip(object{"image": g.often(6, askedImage, previousImage, "[redacted]", absent{})})}),
	})
}

func (g *generator) revision(id any) any {
	return strip(object{
		"deploymentID":           g.oddly(id, nil, absent{}, foreign),
		"phase":                  g.oddly(g.of("Creating", "Validating", "Active", "Active", "Active", "Failed"), "failed", "Draining", "Warming", nil, absent{}),
		"readyReplicas":          g.oddly(g.of(0, 1, 3), nil, absent{}, "1", -1),
		"phaseStartedAt":         g.oddly(epoch.Format(time.RFC3339), nil, absent{}, "yesterday", 5),
		"hasInfrastructureIssue": g.often(6, absent{}, true, false),
		"health":                 g.oddly(g.health(), nil, absent{}, "fine"),
	})
}

func (g *generator) health() any {
	return strip(object{
		"ready":                 g.oddly(g.of(true, true, false), nil, absent{}),
		"state":                 g.of("running", "running", "waiting", "terminated", absent{}),
		"restartCount":          g.oddly(g.of(0, 0, 0, 0, 1, 2, 3, 9), nil, absent{}, "9"),
		"replicasStarted":       g.oddly(g.of(0, 1, 1, 3), nil, absent{}, "1"),
		"reason":                g.often(3, absent{}, "CrashLoopBackOff", "crashloopbackoff", "Error", "OOMKilled", "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "Completed", nil),
		"lastExitCode":          g.often(3, absent{}, nil, 0, 1, 137),
		"lastTerminationReason": g.often(4, absent{}, "Error", "OOMKilled"),
		"message":               g.oddly(g.often(4, absent{}, "Traceback (most recent call last):\nImportError: no", "", nil), 5, "unmatched [/red] tag"),
		"headline":              g.often(6, absent{}, "Out of memory"),
	})
}

func (g *generator) errors() any {
	text := g.oddly(absent{}, object{}, notFound, rateLimit, "boom", []any{"boom"}, []any{5}, []any{object{}}, []any{nil}, []any{object{"code": "PCC_UNKNOWN_ERROR"}}, true)
	if text != (absent{}) {
		return text
	}
	return g.often(5, absent{}, nil, []any{}, []any{notFound}, []any{rateLimit}, []any{rateLimit, notFound},
		[]any{object{"code": "PCC_UNKNOWN_ERROR", "message": "See the agent's logs."}})
}

func (g *generator) conditions() any {
	condition := func(kind, status string) object {
		return object{"type": kind, "status": status, "reason": "ImageResolutionFailed", "message": "Failed to resolve image tag"}
	}
	return g.oddly(g.often(3, absent{}, nil, []any{}, []any{condition("Progressing", "True")}, []any{condition("Degraded", "True")},
		[]any{condition("Progressing", "True"), condition("Degraded", "False")}), []any{"odd"}, object{"type": "Degraded"}, []any{object{"type": "Degraded", "status": "True"}})
}

// strip leaves out what is absent.
func strip(o object) object {
	for name, value := range o {
		if value == (absent{}) {
			delete(o, name)
		}
	}
	return o
}
