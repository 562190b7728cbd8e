//! For APIs: verify an access token and follow the revocation feed
