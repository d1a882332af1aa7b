package verdict

// Answer is what a test call has shown. It is the output test-call.
type Answer string

const (
	Answered Answer = "answered"  // a caller was answered by the deployment
	NoAnswer Answer = "no-answer" // proof that callers are not served
	Unproven Answer = "unproven"  // neither
)

// Why a test call was not answered.
const (
	CallRaised     Cause = "call-raised"      // the agent raised an exception
	CallEnded      Cause = "call-ended"       // the agent ended the call before it was heard
	CallSilent     Cause = "call-silent"      // the agent was not heard in time
	CallLate       Cause = "call-late"        // it took longer than max-answer-time
	CallNoResponse Cause = "call-no-response" // it did not answer what the caller said
	CallSlow       Cause = "call-slow"        // it took longer than max-response-time
	CallNotStarted Cause = "call-not-started" // no instance took the call
)

// Why a test call has proved nothing.
const (
	CallAtCapacity        Cause = "call-at-capacity"        // all instances are busy
	CallNotReady          Cause = "call-not-ready"          // the platform starts no session yet
	CallSpendLimit        Cause = "call-spend-limit"        // of the organization
	CallKeyRefused        Cause = "call-key-refused"        // the Public key is wrong, or none
	CallRefused           Cause = "call-refused"            // the platform refused it for another reason
	CallOldInstance       Cause = "call-old-instance"       // another deployment took it
	CallUnknownDeployment Cause = "call-unknown-deployment" // nothing shows which deployment took it
	CallNetwork           Cause = "call-network"            // the network between the caller and the platform
	CallNoMedia           Cause = "call-no-media"           // WebRTC found no way through it
	CallProtocol          Cause = "call-protocol"           // the agent speaks another protocol
	CallNotShown          Cause = "call-not-shown"          // its session never showed
	CallLeft              Cause = "call-left"               // the agent left an empty room, which is no fault
	CallStopped           Cause = "call-stopped"            // the job was stopped
)
