package simulator

import (
	"cmp"
	"encoding/base64"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	setName   = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	secretKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

func (s SecretSet) status(now time.Time) string {
	if now.Sub(s.Created) < s.After {
		return "pending"
	}
	return s.Status
}

// state adds how the set is to an object.
func (s SecretSet) state(of object) object {
	of["region"], of["status"] = s.Region, s.status(time.Now())
	if of["status"] == "failed" {
		of["errorMessage"] = cmp.Or(s.Error, "The secret set could not be provisioned.")
	}
	return of
}

func (c *Cloud) listSecretSets(*http.Request) (any, *apiError) {
	sets := []object{}
	for _, name := range slices.Sorted(maps.Keys(c.secrets)) {
		s, kind := c.secrets[name], "secret"
		if s.Pull {
			kind = "imagePullSecret"
		}
		sets = append(sets, s.state(object{"name": name, "type": kind}))
	}
	return object{"sets": sets}, nil
}

func (c *Cloud) getSecretSet(r *http.Request) (any, *apiError) {
	s, ok := c.secrets[r.PathValue("set")]
	switch {
	case !ok:
		return nil, notFound("Set not found")
	case s.Pull:
		return nil, badRequest("Cannot retrieve image pull secrets by name")
	}
	if s.Own {
		return s.state(object{"secrets": []object{}, "source": "referenced"}), nil
	}
	keys := []object{}
	for _, key := range s.keys() {
		keys = append(keys, object{"fieldName": key})
	}
	return s.state(object{"secrets": keys}), nil
}

// keys are the names of what is in a set.
func (s SecretSet) keys() []string {
	if s.Keys == nil {
		return []string{"API_KEY"}
	}
	return s.Keys
}

// putSecretSet makes a set, or adds keys to it: those that are not sent stay.
func (c *Cloud) putSecretSet(r *http.Request) (any, *apiError) {
	var ask struct {
		Secrets []struct {
			Key   string `json:"secretKey"`
			Value string `json:"secretValue"`
		} `json:"secrets"`
		Pull   bool   `json:"isImagePullSecret"`
		Host   string `json:"host"`
		Value  string `json:"secretValue"`
		Region string `json:"region"`
	}
	if err := read(r, &ask); err != nil {
		return nil, err
	}
	name := r.PathValue("set")
	s, there := c.secrets[name]
	invalid := badRequest("Invalid request format")
	switch _, err := base64.StdEncoding.DecodeString(ask.Value); {
	case !setName.MatchString(name), len(name) < 3, len(name) > 63, ask.Pull == (ask.Secrets != nil):
		return nil, invalid
	case ask.Pull && (ask.Host == "" || ask.Value == "" || err != nil):
		return nil, badRequest("Must provide isImagePullSecret, host, and secretValue to update an image pull secret")
	case there && ask.Pull && !s.Pull:
		return nil, badRequest("Cannot update existing regular secrets to image pull secrets")
	case there && !ask.Pull && s.Pull:
		return nil, badRequest("Must provide isImagePullSecret, host, and secretValue to update an image pull secret")
	case there && s.Own:
		return nil, badRequest("Cannot modify a referenced secret set")
	case there && ask.Region != "" && ask.Region != s.Region:
		return nil, badRequest("Secret already exists in region '%s'. Cannot change region to '%s'.", s.Region, ask.Region)
	case ask.Region != "" && !knownRegion(ask.Region):
		return nil, badRequest("Invalid region or organization does not have access")
	}
	keys, values := []string{}, map[string]string{}
	if there && !s.Pull {
		keys = slices.Clone(s.keys())
		maps.Copy(values, s.Values)
	}
	for _, secret := range ask.Secrets {
		if !secretKey.MatchString(secret.Key) || secret.Value == "" {
			return nil, invalid
		}
		if !slices.Contains(keys, secret.Key) {
			keys = append(keys, secret.Key)
		}
		values[secret.Key] = secret.Value
	}
	if !ask.Pull && len(ask.Secrets) == 0 {
		return nil, invalid
	}
	if c.secrets == nil {
		c.secrets = map[string]SecretSet{}
	}
	s = SecretSet{Name: name, Region: cmp.Or(s.Region, ask.Region, c.defaultRegion()), Pull: ask.Pull,
		Status: "ready", After: c.SecretsAfter, Created: time.Now(), Error: c.SecretsError, Keys: keys, Values: values}
	if c.SecretsError != "" {
		s.Status = "failed"
	}
	c.secrets[name] = s
	return accepted{object{"status": "OK", "region": s.Region}}, nil
}

func (c *Cloud) deleteSecretSet(r *http.Request) (any, *apiError) {
	name := r.PathValue("set")
	if _, ok := c.secrets[name]; !ok {
		return nil, notFound("Set not found")
	}
	delete(c.secrets, name)
	return object{"status": "OK"}, nil
}

func (c *Cloud) deleteSecret(r *http.Request) (any, *apiError) {
	s, ok := c.secrets[r.PathValue("set")]
	i := slices.Index(s.keys(), r.PathValue("key"))
	if !ok || s.Pull || i < 0 {
		return nil, notFound("Secret not found")
	}
	s.Keys = slices.Delete(slices.Clone(s.keys()), i, i+1)
	c.secrets[s.Name] = s
	return object{"status": "OK"}, nil
}

// defaultRegion is the organization's.
func (c *Cloud) defaultRegion() string { return cmp.Or(c.region, Regions[0]) }

func (c *Cloud) getProperties(*http.Request) (any, *apiError) {
	return object{"properties": object{"defaultRegion": c.defaultRegion()}}, nil
}

func (c *Cloud) getPropertiesSchema(*http.Request) (any, *apiError) {
	return object{"properties": object{"defaultRegion": object{
		"type": "string", "description": "Region of what names none", "readOnly": false,
		"default": Regions[0], "currentValue": c.defaultRegion(), "availableValues": Regions,
	}}}, nil
}

func (c *Cloud) patchProperties(r *http.Request) (any, *apiError) {
	var ask map[string]any
	if err := read(r, &ask); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(ask)) {
		if name != "defaultRegion" {
			return nil, badRequest("Property '%s' is not a valid property", name)
		}
	}
	if len(ask) == 0 {
		return nil, badRequest("No properties provided")
	}
	region, _ := ask["defaultRegion"].(string)
	if !knownRegion(region) {
		return nil, badRequest("Region '%s' is not available. Available regions: %s", region, strings.Join(Regions, ", "))
	}
	c.region = region
	return c.getPropertiesSchema(r)
}
