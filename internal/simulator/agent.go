package simulator

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
)

// agent is one agent with all that was ever deployed to it.
type agent struct {
	name, region         string
	created              time.Time
	minAgents, maxAgents int
	skew                 time.Duration // of the platform's clock
	deployments          []*deployment // the newest last; there is one at least
}

// deployment is one accepted configuration.
type deployment struct {
	id       string
	made     time.Time
	manifest Manifest
	script   Script
}

// Manifest is what makes a deployment another one when it changes. Scaling is
// no part of it, nor is what stands behind an image's tag.
type Manifest struct {
	Image, BuildID        string
	PullSecret, SecretSet string
	Profile, NodeType     string
	AudioFilter           string
	MaxSession            int
	WebsocketAuth         string
}

func (d *deployment) frame(now time.Time) Frame { return d.script.at(now.Sub(d.made)) }

// deploy adds a deployment to an agent.
func (c *Cloud) deploy(a *agent, m Manifest, at time.Time) *deployment {
	tag := ""
	if m.BuildID != "" {
		tag = c.builds[m.BuildID].Script
	} else if i := strings.LastIndexByte(m.Image, ':'); i >= 0 {
		tag = m.Image[i+1:]
	}
	script, known := c.Scripts[tag]
	if !known {
		script, known = ScriptOf(tag)
	}
	if !known {
		script, _ = ScriptOf("ok")
	}
	d := &deployment{id: c.newID(), made: at, manifest: m, script: script}
	a.deployments = append(a.deployments, d)
	return d
}

func (a *agent) timestamp(t time.Time) string { return timestamp(t.Add(a.skew)) }

// settle applies what other clients have done to the agent until now.
func (a *agent) settle(c *Cloud, now time.Time) {
	newest := a.deployments[len(a.deployments)-1]
	if after := newest.script.supersededAfter; after > 0 && now.Sub(newest.made) >= after {
		m := newest.manifest
		m.Image = "ghcr.io/acme/bot:hotfix"
		c.deploy(a, m, newest.made.Add(after))
	}
}

// shown is the agent with what was deployed up to a time, nil when there was
// nothing.
func (a *agent) shown(until time.Time) *agent {
	for n := len(a.deployments); n > 0; n-- {
		if !a.deployments[n-1].made.After(until) {
			then := *a
			then.deployments = a.deployments[:n]
			return &then
		}
	}
	return nil
}

// servingBefore is the deployment that took calls when the newest was made.
func (a *agent) servingBefore() *deployment {
	for i := len(a.deployments) - 2; i >= 0; i-- {
		if d := a.deployments[i]; d.frame(a.deployments[i+1].made).Ready {
			return d
		}
	}
	return nil
}

// document is the ServiceDetailsResponse, as it stands at a time.
func (a *agent) document(now time.Time) object {
	d := a.deployments[len(a.deployments)-1]
	f := d.frame(now)
	before := a.servingBefore()

	doc := object{
		"name": a.name, "region": a.region,
		"createdAt": a.timestamp(a.created), "updatedAt": a.timestamp(d.made),
		"desiredDeploymentId": d.id, "activeDeploymentId": d.id,
		"autoScaling":        object{"minReplicas": a.minAgents, "maxReplicas": a.maxAgents},
		"activeSessionCount": 0,
		"agentProfile":       d.manifest.Profile,
		"krispViva":          object{"audioFilter": orNull(d.manifest.AudioFilter)},
		"deployment":         d.resource(a),
		"previousRevision":   nil,
	}
	if f.Phase == "" { // the operator has not looked: all else is still the old story
		doc["ready"], doc["available"] = before != nil, before != nil
		doc["reconciledDeploymentId"], doc["currentRevision"] = nil, nil
		if before != nil {
			doc["reconciledDeploymentId"] = before.id
			doc["currentRevision"] = before.revision(a, now)
		}
	} else {
		doc["ready"], doc["available"] = f.Ready, f.Ready || before != nil
		doc["reconciledDeploymentId"] = d.id
		doc["currentRevision"] = d.revision(a, now)
		if before != nil && !f.Ready {
			doc["previousRevision"] = before.revision(a, now)
		}
		if f.Errors != nil {
			doc["errors"] = f.Errors
		}
		if f.Condition != nil {
			doc["conditions"] = []pipecat.Condition{*f.Condition}
		}
	}
	doc["activeDeploymentReady"] = doc["ready"]
	return doc
}

// revision is the RevisionInfo of a deployment.
func (d *deployment) revision(a *agent, now time.Time) object {
	f := d.frame(now)
	rev := object{"deploymentID": d.id, "phase": f.Phase, "readyReplicas": 0, "phaseStartedAt": a.timestamp(d.made.Add(f.At))}
	if f.Ready {
		rev["readyReplicas"] = cmp.Or(f.Replicas, a.minAgents) // it scales down to what is kept warm
	}
	if f.Infrastructure {
		rev["hasInfrastructureIssue"] = true
	}
	if h := f.Health; h != nil {
		health := object{"ready": h.Ready, "state": h.State, "restartCount": h.RestartCount, "replicasStarted": h.ReplicasStarted}
		for name, text := range map[string]string{"reason": h.Reason, "lastTerminationReason": h.LastTerminationReason, "message": h.Message} {
			if text != "" {
				health[name] = text
			}
		}
		if h.LastExitCode != nil {
			health["lastExitCode"] = *h.LastExitCode
		}
		rev["health"] = health
	}
	return rev
}

// resource is the deployment with its Kubernetes manifest.
func (d *deployment) resource(a *agent) object {
	resources := map[string]object{
		"agent-1x": {"cpu": "500m", "memory": "1Gi"},
		"agent-2x": {"cpu": "1000m", "memory": "2Gi"},
		"agent-3x": {"cpu": "1500m", "memory": "3Gi"},
	}
	spec := object{
		"dailyNodeType": d.manifest.NodeType,
		"image":         d.manifest.Image,
		"autoScaling":   object{"minReplicas": a.minAgents, "maxReplicas": a.maxAgents},
		"resources":     resources[d.manifest.Profile],
		"krispModels":   object{"enabled": false},
		"krispViva":     object{"audioFilters": d.manifest.AudioFilter != ""},
	}
	if d.manifest.BuildID != "" {
		spec["image"] = "[redacted]"
	}
	if d.manifest.PullSecret != "" {
		spec["imagePullSecretName"] = d.manifest.PullSecret
	}
	if d.manifest.SecretSet != "" {
		spec["envFromSecretNames"] = []string{d.manifest.SecretSet}
	}
	if d.manifest.MaxSession != 0 {
		spec["maxSessionDurationSeconds"] = d.manifest.MaxSession
	}
	return object{
		"id":        d.id,
		"serviceId": "b59a68ee-61c8-4d99-9ceb-e99a3953bdac",
		"createdAt": a.timestamp(d.made), "updatedAt": a.timestamp(d.made),
		"manifest": object{
			"apiVersion": "pipecatcloud.daily.co/v1", "kind": "PCService",
			"metadata": object{"name": a.name, "namespace": "tiny-ferret-maroon-123"},
			"spec":     spec,
		},
	}
}

func (c *Cloud) getAgent(r *http.Request) (any, *apiError) {
	a := c.agents[r.PathValue("name")]
	if a == nil {
		return nil, notFound("Not found")
	}
	now := time.Now()
	a.settle(c, now)
	shown := a.shown(now.Add(-c.ReadLag))
	if shown == nil {
		return nil, notFound("Not found")
	}
	return shown.document(now), nil
}
