package e2e

import (
	"fmt"
	"slices"
	"strings"

	"pipecat-cloud-deploy/internal/verdict"
)

// brokenSecrets says what is wrong with the secrets that the job stores: when it does,
// what it says of that, and what it shows.
func (r *searchRun) brokenSecrets() (broken []string) {
	hold := func(ok bool, format string, args ...any) {
		if !ok {
			broken = append(broken, fmt.Sprintf(format, args...))
		}
	}
	set := r.cloud.SecretSet("keys")
	stored := set.Values["TOKEN"] == secretValues["TOKEN"] && set.Values["API_KEY"] == secretValues["API_KEY"]
	puts := slices.ContainsFunc(r.sent, func(q *request) bool { return q.stores })
	late := slices.ContainsFunc(r.sent, func(q *request) bool { return q.stores && q.fault.name == "late" })
	update := slices.IndexFunc(r.sent, func(q *request) bool { return q.updates() })
	asked := r.inputs["secrets"] != ""
	hold(asked || !puts, "stores secrets, though none are asked for")
	hold(!set.Pull || !puts, "stores secrets in an image pull secret set")
	if asked && update >= 0 {
		hold(stored, "the update is sent, and the secrets are not stored")
		hold(set.Status == "ready", "the update is sent, though the set is %s", set.Status)
		ready := set.Created.Add(set.After)
		hold(late || !r.sent[update].began.Before(ready), "the update is sent %s before the set is ready", ready.Sub(r.sent[update].began))
	}
	hold(r.outputs["failure-reason"] != string(verdict.Secrets) || update < 0, "the update is sent, and failed for the secrets")

	said := r.log.String() + r.summary + r.outputs["failure-message"]
	for _, claim := range []string{`"keys" was not changed`, `"keys" was not created`, "nothing was changed", "before anything was changed", "nothing was sent"} {
		hold(!stored || !strings.Contains(said, claim), "it says %q, though the secrets are stored", claim)
	}
	for _, claim := range []string{"has the new secrets", `"keys" was changed`} {
		hold(stored || !strings.Contains(said, claim), "it says %q, though the secrets are not stored", claim)
	}
	for line := range strings.Lines(said + fmt.Sprint(r.outputs)) {
		hold(strings.HasPrefix(line, "::add-mask::") || !strings.Contains(line, "hunter2"), "it shows a secret: %q", line)
	}
	return broken
}
