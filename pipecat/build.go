package pipecat

// States that a build ends in. Before, it is pending or building.
const (
	BuildSuccess = "success"
	BuildFailed  = "failed"
	BuildTimeout = "timeout"
)

// Build is a cloud build of an image.
type Build struct {
	ID                   string `json:"id"`
	OrganizationID       string `json:"organizationId"`
	Status               string `json:"status"`
	Region               string `json:"region"`
	ContextHash          string `json:"contextHash"`
	DockerfilePath       string `json:"dockerfilePath"`
	ImageURI             string `json:"imageUri"` // when it succeeded
	LogsURL              string `json:"logsUrl"`
	ErrorMessage         string `json:"errorMessage"` // when it failed; not ours
	ContextSizeBytes     int64  `json:"contextSizeBytes"`
	ImageSizeBytes       int64  `json:"imageSizeBytes"`
	BuildDurationSeconds int    `json:"buildDurationSeconds"`
	StartedAt            Time   `json:"startedAt"`
	CompletedAt          Time   `json:"completedAt"`
	CreatedAt            Time   `json:"createdAt"`
	UpdatedAt            Time   `json:"updatedAt"`
}

type buildAnswer struct {
	Build *Build `json:"build"`
}

func (a *buildAnswer) lacks() string {
	if a.Build == nil {
		return `no "build" is in it`
	}
	return ""
}

// SecretFailed is the state of a secret set that could not be provisioned;
// the others are pending and ready.
const SecretFailed = "failed"

// SecretSet is a secret set without its values.
type SecretSet struct {
	Region       string          `json:"region"`
	Status       string          `json:"status"`
	ErrorMessage string          `json:"errorMessage"` // when Status is failed; not ours
	Secrets      List[SecretKey] `json:"secrets"`
}

// SecretKey names one secret of a set.
type SecretKey struct {
	FieldName string `json:"fieldName"`
}

// Properties are an organization's settings.
type Properties struct {
	DefaultRegion string `json:"defaultRegion"`
}

type propertiesAnswer struct {
	Properties *Properties `json:"properties"`
}

func (a *propertiesAnswer) lacks() string {
	if a.Properties == nil {
		return `no "properties" are in it`
	}
	return ""
}
