// The Android build. Not needed for the tests, which run with Maven (billfold/pom.xml). Not proven yet.
pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}
dependencyResolutionManagement {
    repositories {
        google()
        mavenCentral()
    }
}
rootProject.name = "billfold-android"
include(":billfold")
