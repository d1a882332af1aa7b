package simulator

import (
	"cmp"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
)

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// created is an answer whose status says that something is new.
type created struct{ object }

// accepted is an answer whose status says that something is yet to be done.
type accepted struct{ object }

func (c *Cloud) addBuild(b Build) Build {
	if c.builds == nil {
		c.builds = map[string]Build{}
	}
	b.Region, b.Status = cmp.Or(b.Region, Regions[0]), cmp.Or(b.Status, pipecat.BuildSuccess)
	b.Hash, b.Dockerfile, b.Size = cmp.Or(b.Hash, "a1b2c3d4e5f6a7b8"), cmp.Or(b.Dockerfile, "Dockerfile"), cmp.Or(b.Size, 10<<20)
	b.Log = cmp.Or(b.Log, logOf(b.Status))
	if b.Created.IsZero() {
		b.Created = time.Now()
	}
	c.made++
	b.n = c.made
	c.builds[b.ID] = b
	return b
}

// Builds are all builds, the newest first.
func (c *Cloud) Builds() []Build {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.newest(func(Build) bool { return true })
}

// RemoveBuild makes the record of a build vanish.
func (c *Cloud) RemoveBuild(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.builds, id)
}

// newest are the builds that are wanted, the newest first.
func (c *Cloud) newest(wanted func(Build) bool) (builds []Build) {
	for _, b := range c.builds {
		if wanted(b) {
			builds = append(builds, b)
		}
	}
	slices.SortFunc(builds, func(a, b Build) int { return cmp.Or(b.Created.Compare(a.Created), b.n-a.n) })
	return builds
}

// starts is how long a build is pending: a tenth of its way.
func (b Build) starts() time.Duration { return b.After / 10 }

func (b Build) status(now time.Time) string {
	switch age := now.Sub(b.Created); {
	case b.Never:
		return "pending"
	case age >= b.After:
		return b.Status
	case age < b.starts():
		return "pending"
	}
	return "building"
}

// document is the build, as it stands at a time.
func (b Build) document(now time.Time, skew time.Duration) object {
	at := func(after time.Duration) string { return timestamp(b.Created.Add(after + skew)) }
	status := b.status(now)
	doc := object{
		"id": b.ID, "organizationId": "org_simulated", "status": status, "region": b.Region,
		"contextHash": b.Hash, "dockerfilePath": b.Dockerfile, "contextSizeBytes": b.Size,
		"createdAt": at(0), "updatedAt": at(0),
	}
	if status == "pending" {
		return doc
	}
	doc["startedAt"], doc["updatedAt"] = at(b.starts()), at(b.starts())
	if status == "building" {
		return doc
	}
	doc["completedAt"], doc["updatedAt"] = at(b.After), at(b.After)
	doc["buildDurationSeconds"] = int(b.After.Seconds())
	if status == pipecat.BuildSuccess {
		doc["imageUri"] = "123456789.dkr.ecr.us-west-2.amazonaws.com/pipecat-cloud/org_simulated:" + b.Hash
		doc["imageSizeBytes"] = 524288000
	} else if b.Error != "" {
		doc["errorMessage"] = b.Error
	}
	return doc
}

// printed is how much of the build's log there is at a time.
func (b Build) printed(now time.Time) []string {
	lines := slices.Collect(strings.Lines(b.Log))
	began, building := b.Created.Add(b.starts()), b.After-b.starts()
	switch status := b.status(now); {
	case status == "pending":
		return nil
	case status == "building":
		lines = lines[:int(float64(len(lines))*float64(now.Sub(began))/float64(building))]
	}
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\n")
	}
	return lines
}

func (c *Cloud) createBuild(r *http.Request) (any, *apiError) {
	var ask pipecat.BuildRequest
	if err := read(r, &ask); err != nil {
		return nil, err
	}
	file := cmp.Or(ask.DockerfilePath, "Dockerfile")
	if !uuid.MatchString(ask.UploadID) || !knownRegion(ask.Region) || !local(file) {
		return nil, badRequest("Invalid parameters")
	}
	up := c.uploads[ask.UploadID]
	switch {
	case up == nil || up.n == 0:
		return nil, badRequest("Upload not found")
	case up.Region != ask.Region:
		return nil, badRequest("Upload is for region '%s' but the build is for region '%s'.", up.Region, ask.Region)
	}
	now := time.Now()
	equal := c.newest(func(b Build) bool {
		return b.Hash == up.Hash && b.Region == ask.Region && b.Dockerfile == file && b.status(now) == pipecat.BuildSuccess
	})
	if len(equal) > 0 {
		return object{"build": equal[0].document(now, c.Skew), "contextHash": up.Hash, "cached": true}, nil
	}
	script, deployed := c.scriptOf(up, file)
	b := c.addBuild(Build{ID: c.newID(), Region: ask.Region, Status: script.Status, After: script.After, Created: now, Never: script.Never,
		Error: script.Error, Log: script.Log, Script: deployed, Hash: up.Hash, Size: up.Size, Dockerfile: file})
	return created{object{"build": b.document(now, c.Skew), "contextHash": up.Hash, "cached": false}}, nil
}

func (c *Cloud) listBuilds(r *http.Request) (any, *apiError) {
	query, now := r.URL.Query(), time.Now()
	limit, offset := number(query, "limit", 20), number(query, "offset", 0)
	statuses := []string{"", "pending", "building", pipecat.BuildSuccess, pipecat.BuildFailed, pipecat.BuildTimeout}
	if limit < 1 || limit > 100 || offset < 0 || !slices.Contains(statuses, query.Get("status")) {
		return nil, badRequest("Invalid parameters")
	}
	matches := c.newest(func(b Build) bool {
		for name, is := range map[string]string{"status": b.status(now), "region": b.Region, "contextHash": b.Hash} {
			if asked := query.Get(name); asked != "" && asked != is {
				return false
			}
		}
		return true
	})
	total, list := len(matches), []object{}
	for _, b := range matches[min(offset, total):min(offset+limit, total)] {
		list = append(list, b.document(now, c.Skew))
	}
	return object{"builds": list, "total": total, "limit": limit, "offset": offset}, nil
}

// build finds the build of a request's path.
func (c *Cloud) build(r *http.Request) (Build, *apiError) {
	id := r.PathValue("id")
	if !uuid.MatchString(id) {
		return Build{}, badRequest("Invalid build ID format")
	}
	b, ok := c.builds[id]
	if !ok {
		return Build{}, notFound("Build not found")
	}
	return b, nil
}

func (c *Cloud) getBuild(r *http.Request) (any, *apiError) {
	b, err := c.build(r)
	if err != nil {
		return nil, err
	}
	return object{"build": b.document(time.Now(), c.Skew)}, nil
}

func (c *Cloud) getBuildLogs(r *http.Request) (any, *apiError) {
	b, err := c.build(r)
	if err != nil {
		return nil, err
	}
	limit := number(r.URL.Query(), "limit", 500)
	if limit < 1 || limit > 10000 {
		return nil, badRequest("Invalid parameters")
	}
	lines := b.printed(time.Now())
	answer := object{}
	if over := len(lines) - limit; over > 0 {
		answer["nextToken"] = "eyJuZXh0VG9rZW4iOiAiMSJ9"
		if c.TailLogs {
			lines = lines[over:]
		}
		lines = lines[:limit]
	}
	answer["logs"] = append([]string{}, lines...)
	return answer, nil
}

// number is a number in a query: otherwise when there is none, and -1 for what is
// not one.
func number(query url.Values, name string, otherwise int) int {
	text := query.Get(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}

// local reports whether a slash-separated path stays in the context, and is
// written in the shortest way.
func local(name string) bool {
	return name != "" && path.Clean(name) == name && !path.IsAbs(name) && name != ".." && !strings.HasPrefix(name, "../")
}
